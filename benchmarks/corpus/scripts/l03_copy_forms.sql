-- COPY in its forms, and \copy to nowhere.
-- setup
CREATE TABLE cp (id int, v text); CREATE VIEW cpv AS SELECT * FROM cp; CREATE MATERIALIZED VIEW cpm AS SELECT * FROM cp; CREATE TABLE cpp (id int) PARTITION BY LIST (id); INSERT INTO cp VALUES (1, 'x');
CREATE FUNCTION cp_log() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN LOCK TABLE cpp IN SHARE MODE; RETURN NEW; END $$;
-- test
COPY cp (v, id) FROM stdin WITH (FORMAT csv);
x,1
\.
COPY cp TO stdout WITH (FORMAT csv, HEADER);
COPY (SELECT * FROM cpv) TO stdout;
COPY cpv TO stdout;
COPY cp (nothing) FROM stdin;
\.
CREATE TRIGGER cp_t BEFORE INSERT ON cp FOR EACH ROW EXECUTE FUNCTION cp_log();
COPY cp FROM stdin;
5	q
\.
\copy cp to '/dev/null'
COPY cp FROM stdin WITH (FORMAT nothing);
\.
TRUNCATE cp;
COPY cpp TO stdout;
