-- Columns that change name and type together, with what hangs on them.
-- setup
CREATE TABLE sensor (id int PRIMARY KEY, val int, unit varchar(5)); CREATE INDEX sensor_val ON sensor (val); CREATE VIEW sensor_v AS SELECT id, unit FROM sensor; INSERT INTO sensor SELECT g, g, 'C' FROM generate_series(1, 20) g;
-- test
BEGIN;
ALTER TABLE sensor RENAME COLUMN val TO reading;
ALTER TABLE sensor ALTER COLUMN reading TYPE bigint;
ALTER TABLE sensor ALTER COLUMN unit TYPE varchar(10);
COMMIT;
ALTER TABLE sensor ALTER COLUMN reading TYPE bigint;
ALTER TABLE sensor ALTER COLUMN val TYPE int;
DROP VIEW sensor_v;
ALTER TABLE sensor ALTER COLUMN unit TYPE varchar(10), RENAME COLUMN unit TO u;
ALTER TABLE sensor ALTER COLUMN unit TYPE varchar(10);
ALTER TABLE sensor ADD CONSTRAINT r CHECK (reading > 0);
ALTER TABLE sensor ALTER COLUMN reading TYPE numeric;
ALTER TABLE sensor DROP COLUMN reading;
DROP INDEX sensor_val;
