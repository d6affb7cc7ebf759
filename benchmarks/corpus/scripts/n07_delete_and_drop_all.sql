-- Cleaning up by hand: DELETE, then TRUNCATE, then DROP of the same table.
-- setup
CREATE TABLE junk (id int PRIMARY KEY, parent int REFERENCES junk); INSERT INTO junk VALUES (1, NULL), (2, 1);
CREATE TABLE junk_log (junk int REFERENCES junk ON DELETE CASCADE); INSERT INTO junk_log VALUES (1);
CREATE VIEW junk_v AS SELECT * FROM junk;
-- test
DELETE FROM junk;
TRUNCATE junk;
TRUNCATE TABLE junk CASCADE;
DROP TABLE IF EXISTS junk, junk_log;
DROP TABLE IF EXISTS junk CASCADE;
DROP TABLE IF EXISTS junk CASCADE;
TRUNCATE junk_log;
DROP TABLE junk_log;
DELETE FROM junk_log;
CREATE TABLE junk (id int);
DELETE FROM junk;
DROP TABLE junk;
DROP VIEW IF EXISTS junk_v;
DROP VIEW junk_v;
