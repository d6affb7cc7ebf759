-- One failure after the other, and work between them.
-- setup
CREATE TABLE ok (id int PRIMARY KEY, v int); INSERT INTO ok VALUES (1, 1); CREATE TABLE fk (ok int REFERENCES ok);
-- test
DROP TABLE ok;
ALTER TABLE ok ADD COLUMN v int;
ALTER TABLE ok ADD COLUMN w int;
ALTER TABLE ok ADD COLUMN w int;
BEGIN;
TRUNCATE ok;
ALTER TABLE fk DROP CONSTRAINT fk_ok_fkey;
TRUNCATE ok;
ROLLBACK;
TRUNCATE ok;
INSERT INTO fk VALUES (1, 2);
INSERT INTO fk (x) VALUES (1);
CREATE TABLE ok (id int);
CREATE INDEX ok ON ok (v);
DROP TABLE fk, ok, nothing;
DROP TABLE fk, ok;
ALTER TABLE ok ADD COLUMN y int;
