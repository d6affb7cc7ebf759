-- ATTACH with a CHECK that spares the scan, and a default partition that is read all the same.
-- setup
CREATE TABLE log (id bigint NOT NULL, day int NOT NULL) PARTITION BY LIST (day);
CREATE TABLE log_else PARTITION OF log DEFAULT;
CREATE TABLE log_7 (id bigint NOT NULL, day int NOT NULL);
CREATE INDEX ON log (id);
INSERT INTO log_7 SELECT g, 7 FROM generate_series(1, 10) g; INSERT INTO log VALUES (1, 99);
-- test
BEGIN;
ALTER TABLE log_7 ADD CONSTRAINT day_7 CHECK (day = 7);
ALTER TABLE log_else ADD CONSTRAINT day_not_7 CHECK (day <> 7);
COMMIT;
ALTER TABLE log ATTACH PARTITION log_7 FOR VALUES IN (7);
ALTER TABLE log_7 DROP CONSTRAINT day_7;
ALTER TABLE log ADD COLUMN note text;
ALTER TABLE log_7 ADD COLUMN more text;
ALTER TABLE ONLY log ADD COLUMN more text;
ALTER TABLE log_7 DROP COLUMN note;
ALTER TABLE log ALTER COLUMN id TYPE numeric;
ALTER TABLE log ALTER COLUMN day TYPE bigint;
ALTER TABLE log_7 ALTER COLUMN note SET NOT NULL;
ALTER TABLE log_7 ALTER COLUMN day DROP NOT NULL;
ALTER TABLE log DROP COLUMN note;
