-- Schemas change places.
-- setup
CREATE SCHEMA live; CREATE SCHEMA next;
CREATE TABLE live.city (id int PRIMARY KEY); CREATE TABLE next.city (id int PRIMARY KEY, name text);
CREATE TABLE live.street (id int, city_id int REFERENCES live.city);
CREATE VIEW live.streets AS SELECT * FROM live.street;
-- test
BEGIN;
ALTER SCHEMA live RENAME TO old;
ALTER SCHEMA next RENAME TO live;
ALTER TABLE live.city ADD COLUMN a int;
ALTER TABLE old.city ADD COLUMN b int;
SET LOCAL search_path = old;
DROP TABLE city CASCADE;
COMMIT;
DROP SCHEMA old CASCADE;
ALTER TABLE live.city RENAME COLUMN name TO title;
CREATE INDEX city_title ON live.city (title);
