-- The same name means new things: a table, then a view, then a sequence.
-- setup
CREATE TABLE thing (id int PRIMARY KEY); CREATE TABLE thing_use (thing int REFERENCES thing); CREATE SEQUENCE numbers;
CREATE TABLE numbered (id int DEFAULT nextval('numbers'));
INSERT INTO thing VALUES (1);
-- test
BEGIN;
DROP TABLE thing CASCADE;
CREATE VIEW thing AS SELECT 1 AS id;
INSERT INTO thing_use VALUES (5);
ALTER TABLE thing_use ADD FOREIGN KEY (thing) REFERENCES thing;
ROLLBACK;
INSERT INTO thing_use VALUES (1);
ALTER TABLE thing RENAME TO thing_table;
CREATE VIEW thing AS SELECT * FROM thing_table;
ALTER TABLE thing ADD COLUMN x int;
DROP TABLE thing;
DROP VIEW thing;
CREATE SEQUENCE thing;
SELECT nextval('thing');
DROP SEQUENCE numbers CASCADE;
CREATE SEQUENCE numbers;
INSERT INTO numbered DEFAULT VALUES;
CREATE TABLE thing (id int);
ALTER TABLE thing_table RENAME TO numbers;
