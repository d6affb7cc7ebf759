-- The same tables in two schemas, half qualified.
-- setup
CREATE SCHEMA old; CREATE SCHEMA new; CREATE TABLE old.a (id int PRIMARY KEY); CREATE TABLE new.a (id int PRIMARY KEY); CREATE TABLE old.b (a int REFERENCES old.a); CREATE TABLE new.b (a int REFERENCES old.a);
INSERT INTO old.a VALUES (1); INSERT INTO old.b VALUES (1);
-- test
SET search_path = new;
INSERT INTO a SELECT * FROM old.a;
ALTER TABLE b DROP CONSTRAINT b_a_fkey;
ALTER TABLE b ADD FOREIGN KEY (a) REFERENCES a;
DROP TABLE old.a;
DROP TABLE old.b;
DROP TABLE old.a;
ALTER TABLE b SET SCHEMA old;
ALTER TABLE b ADD COLUMN x int;
SET search_path = old, new;
ALTER TABLE b ADD COLUMN x int;
ALTER TABLE a ADD COLUMN x int;
DROP SCHEMA old;
DROP SCHEMA new CASCADE;
ALTER TABLE b ADD COLUMN y int;
DROP SCHEMA old CASCADE;
CREATE TABLE b (id int);
