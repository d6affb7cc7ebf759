-- Columns that are dropped with all kinds of things on them.
-- setup
CREATE TABLE big (id serial PRIMARY KEY, a int UNIQUE, b int, c int CHECK (c > 0), d int, e int, f int GENERATED ALWAYS AS (d * 2) STORED, g text); CREATE INDEX big_bc ON big (b, c); CREATE INDEX big_e ON big (e) WHERE b > 0;
CREATE FUNCTION tr() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$; CREATE TRIGGER big_tr BEFORE UPDATE OF g ON big FOR EACH ROW EXECUTE FUNCTION tr();
CREATE STATISTICS big_st ON a, b FROM big; CREATE TABLE ref (a int REFERENCES big (a)); INSERT INTO big (a, b, c, d, e) VALUES (1, 1, 1, 1, 1);
-- test
ALTER TABLE big DROP COLUMN b;
ALTER TABLE big DROP COLUMN c;
ALTER TABLE big DROP COLUMN d;
ALTER TABLE big DROP COLUMN d CASCADE;
ALTER TABLE big DROP COLUMN a;
ALTER TABLE big DROP COLUMN a CASCADE;
ALTER TABLE big DROP COLUMN g;
ALTER TABLE big DROP COLUMN g CASCADE;
ALTER TABLE big DROP COLUMN id;
ALTER TABLE big DROP COLUMN f;
ALTER TABLE big DROP COLUMN ctid;
ALTER TABLE big DROP e;
DROP STATISTICS big_st;
SELECT nextval('big_id_seq');
