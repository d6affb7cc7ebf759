-- DROP OWNED and schemas that go with all in them.
-- setup
CREATE ROLE intern; CREATE SCHEMA lab AUTHORIZATION intern; CREATE SCHEMA prod;
CREATE TABLE lab.trial (id int PRIMARY KEY); ALTER TABLE lab.trial OWNER TO intern;
CREATE TABLE prod.use (trial int REFERENCES lab.trial); CREATE VIEW prod.see AS SELECT * FROM lab.trial;
CREATE TABLE prod.own (id int); ALTER TABLE prod.own OWNER TO intern;
INSERT INTO lab.trial VALUES (1);
-- test
DROP OWNED BY intern;
DROP SCHEMA lab;
DROP SCHEMA lab CASCADE;
ALTER TABLE prod.use ADD COLUMN x int;
SELECT * FROM prod.see;
DROP OWNED BY intern;
DROP TABLE prod.own;
CREATE SCHEMA lab CREATE TABLE trial (id int) CREATE VIEW seen AS SELECT * FROM trial;
ALTER SCHEMA prod RENAME TO production;
ALTER TABLE production.use RENAME TO used;
DROP SCHEMA lab, production CASCADE;
DROP SCHEMA IF EXISTS lab;
DROP ROLE intern;
