-- Operators, casts, aggregates and collations of one's own.
-- setup
CREATE TYPE temp_c AS (deg numeric); CREATE TABLE read_log (n int); CREATE TABLE meter (id int PRIMARY KEY, t numeric, label text); INSERT INTO meter VALUES (1, 5, 'a');
CREATE FUNCTION near(numeric, numeric) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN LOCK TABLE read_log IN SHARE MODE; RETURN true; END $$;
-- test
CREATE OPERATOR ~~~ (LEFTARG = numeric, RIGHTARG = numeric, FUNCTION = near);
SELECT * FROM meter WHERE t ~~~ 5;
CREATE AGGREGATE total (numeric) (SFUNC = numeric_add, STYPE = numeric, INITCOND = '0');
SELECT total(t) FROM meter;
CREATE COLLATION my_c FROM "C";
ALTER TABLE meter ALTER COLUMN label TYPE text COLLATE my_c;
DROP COLLATION my_c;
DROP FUNCTION near(numeric, numeric);
DROP OPERATOR ~~~ (numeric, numeric);
DROP FUNCTION near(numeric, numeric);
ALTER TABLE meter ALTER COLUMN label TYPE text;
DROP COLLATION my_c;
DROP AGGREGATE total (numeric);
SELECT total(t) FROM meter;
