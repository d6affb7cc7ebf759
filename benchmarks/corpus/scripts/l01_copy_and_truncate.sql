-- Loading anew: TRUNCATE, COPY and \copy with rows in the script, counters that are set after it.
-- setup
CREATE TABLE region (id serial PRIMARY KEY, name text UNIQUE);
CREATE TABLE branch (id int PRIMARY KEY, region int REFERENCES region);
INSERT INTO region (name) VALUES ('old'), ('older');
-- test
BEGIN;
TRUNCATE region;
TRUNCATE region RESTART IDENTITY CASCADE;
COPY region (id, name) FROM stdin;
1	north
2	south
\.
\copy region (name) from stdin with (format csv)
east
\.
COPY region TO stdout;
SELECT setval('region_id_seq', 100);
SELECT setval(pg_get_serial_sequence('region', 'id'), (SELECT max(id) FROM region));
COPY branch FROM stdin (DELIMITER ',');
1,1
\.
COMMIT;
COPY (SELECT * FROM region JOIN branch ON branch.region = region.id) TO stdout;
COPY nowhere FROM stdin;
\.
ANALYZE region, branch;
TRUNCATE TABLE branch;
