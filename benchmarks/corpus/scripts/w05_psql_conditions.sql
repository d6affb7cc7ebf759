-- \if with variables that the script sets, nested, with \elif and \else.
-- setup
CREATE TABLE plan_a (id int); CREATE TABLE plan_b (id int); CREATE TABLE plan_c (id int);
-- test
\set wanted true
\if :wanted
ALTER TABLE plan_a ADD COLUMN x int;
\else
DROP TABLE plan_a;
\endif
\if false
DROP TABLE plan_b;
\elif true
ALTER TABLE plan_b ADD COLUMN y int;
\else
TRUNCATE plan_b;
\endif
\set table plan_c
ALTER TABLE :table ADD COLUMN z int;
ALTER TABLE :"table" ADD COLUMN z2 int;
\if :{?table}
\if :{?nothing}
DROP TABLE plan_c;
\else
CREATE INDEX ON :table (z);
\endif
\endif
INSERT INTO plan_c (z) VALUES (:'wanted' = 'true')
\;
SELECT 1;
\unset table
DROP TABLE plan_c;
