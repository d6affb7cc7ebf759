-- ON COMMIT in its three forms, in and out of transactions.
-- setup
CREATE TABLE work (id int); INSERT INTO work VALUES (1);
-- test
BEGIN;
CREATE TEMP TABLE stage (id int) ON COMMIT DROP;
INSERT INTO stage SELECT id FROM work;
DELETE FROM work USING stage WHERE stage.id = work.id;
ROLLBACK;
INSERT INTO stage VALUES (1);
BEGIN;
CREATE TEMP TABLE stage (id int PRIMARY KEY) ON COMMIT PRESERVE ROWS;
COMMIT;
INSERT INTO stage VALUES (1);
ALTER TABLE stage RENAME TO work;
DROP TABLE work;
DROP TABLE work;
DROP TABLE work;
