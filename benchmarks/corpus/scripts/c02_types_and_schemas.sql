-- Types and functions that are renamed, moved and dropped with what uses them.
-- setup
CREATE SCHEMA a; CREATE SCHEMA b;
CREATE TYPE a.kind AS ENUM ('x');
CREATE TYPE a.pair AS (l int, r int);
CREATE TABLE a.one (k a.kind, p a.pair);
CREATE TABLE two (id int);
CREATE FUNCTION a.f(int) RETURNS int LANGUAGE sql AS 'SELECT $1';
INSERT INTO a.one VALUES ('x', NULL);
-- test
ALTER TYPE a.kind RENAME TO sort;
ALTER TABLE two ADD COLUMN s a.sort;
ALTER TYPE a.sort SET SCHEMA b;
DROP TYPE b.sort;
DROP TYPE b.sort CASCADE;
ALTER FUNCTION a.f(int) RENAME TO g;
SELECT a.g(1);
SELECT a.f(1);
ALTER FUNCTION a.g(int) SET SCHEMA b;
DROP FUNCTION b.g(int);
CREATE TYPE fresh AS ENUM ('q');
ALTER TABLE two ADD COLUMN q fresh;
DROP TYPE fresh CASCADE;
DROP TYPE a.pair;
DROP SCHEMA a CASCADE;
DROP SCHEMA b;
