-- Calls that differ in a number alone do something else.
-- setup
CREATE TABLE part_1 (id int); CREATE TABLE part_2 (id int);
CREATE FUNCTION hold(n int) RETURNS int LANGUAGE plpgsql AS
  $$ BEGIN EXECUTE 'LOCK TABLE part_' || n || ' IN SHARE MODE'; RETURN n; END $$;
CREATE TABLE held (n int);
-- test
SELECT hold(1);
SELECT hold(2);
INSERT INTO held VALUES (hold(1));
INSERT INTO held VALUES (hold(2));
UPDATE held SET n = hold(1) WHERE n = 1;
UPDATE held SET n = hold(2) WHERE n = 2;
