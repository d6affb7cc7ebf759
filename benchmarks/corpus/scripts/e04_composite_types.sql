-- Composite types, typed tables, arrays of row types.
-- setup
CREATE TYPE point2 AS (x int, y int);
CREATE TABLE shape (id int, corner point2, corners point2[]);
CREATE TABLE typed OF point2; CREATE TABLE row_user (id int, s shape);
INSERT INTO shape VALUES (1, (1, 2), NULL);
-- test
ALTER TYPE point2 ADD ATTRIBUTE z int;
ALTER TYPE point2 ADD ATTRIBUTE z int CASCADE;
ALTER TYPE point2 ALTER ATTRIBUTE z TYPE bigint;
ALTER TYPE point2 RENAME ATTRIBUTE z TO depth;
ALTER TYPE point2 RENAME ATTRIBUTE z TO depth CASCADE;
ALTER TABLE shape ADD COLUMN name text;
ALTER TABLE shape ALTER COLUMN id TYPE bigint;
ALTER TABLE typed NOT OF;
ALTER TYPE point2 RENAME TO corner;
ALTER TABLE row_user DROP COLUMN s;
ALTER TABLE shape ALTER COLUMN id TYPE bigint;
DROP TYPE corner;
ALTER TABLE shape DROP COLUMN corners, DROP COLUMN corner;
DROP TYPE corner;
