-- Functions replaced with other arguments or results; the old one stays or is in the way.
-- setup
CREATE TABLE cell (id int, v int);
CREATE FUNCTION val(int) RETURNS int LANGUAGE sql STABLE AS 'SELECT v FROM cell WHERE id = $1';
CREATE FUNCTION hold() RETURNS void LANGUAGE plpgsql AS $$ BEGIN LOCK TABLE cell IN SHARE MODE; END $$;
CREATE VIEW vals AS SELECT val(id) FROM cell;
-- test
CREATE OR REPLACE FUNCTION val(int) RETURNS text LANGUAGE sql STABLE AS 'SELECT v::text FROM cell WHERE id = $1';
CREATE OR REPLACE FUNCTION val(bigint) RETURNS int LANGUAGE sql STABLE AS 'SELECT 1';
DROP FUNCTION val;
DROP FUNCTION val(int);
DROP FUNCTION val(bigint);
CREATE FUNCTION hold() RETURNS void LANGUAGE sql AS 'SELECT 1';
CREATE OR REPLACE FUNCTION hold() RETURNS void LANGUAGE plpgsql AS $$ BEGIN LOCK TABLE cell IN EXCLUSIVE MODE; END $$;
SELECT hold();
ALTER FUNCTION hold() RENAME TO hold_it;
SELECT hold();
SELECT hold_it();
ALTER FUNCTION hold_it() STABLE SECURITY DEFINER;
DROP FUNCTION IF EXISTS hold(), hold_it();
SELECT hold_it();
DROP FUNCTION val(int) CASCADE;
SELECT * FROM vals;
