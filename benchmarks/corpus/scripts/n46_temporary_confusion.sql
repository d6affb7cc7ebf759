-- Temporary objects with the names of real ones.
-- setup
CREATE TABLE real_one (id int PRIMARY KEY); CREATE VIEW real_view AS SELECT * FROM real_one; INSERT INTO real_one VALUES (1);
-- test
CREATE TEMP TABLE real_one AS SELECT 1 AS id;
DELETE FROM real_one;
SELECT * FROM real_view;
ALTER TABLE real_one ADD COLUMN x int;
CREATE INDEX ON real_one (x);
DROP TABLE real_one;
ALTER TABLE real_one ADD COLUMN x int;
CREATE TEMP VIEW real_view AS SELECT 2 AS two;
DROP VIEW real_view;
DROP VIEW real_view;
CREATE TEMP SEQUENCE seq1;
SELECT nextval('seq1');
DROP TABLE pg_temp.real_one;
DROP TABLE public.real_one;
CREATE TEMP TABLE tt (id int REFERENCES real_one);
