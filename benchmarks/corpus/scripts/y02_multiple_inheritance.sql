-- Two parents, and a column that both have.
-- setup
CREATE TABLE pa (id int, name text); CREATE TABLE pb (id int, age int); CREATE TABLE kid () INHERITS (pa, pb); INSERT INTO kid VALUES (1, 'n', 3);
-- test
ALTER TABLE pa ADD COLUMN extra int;
ALTER TABLE pa ALTER COLUMN name SET NOT NULL;
ALTER TABLE kid DROP COLUMN name;
ALTER TABLE pb RENAME COLUMN age TO years;
ALTER TABLE kid NO INHERIT pb;
ALTER TABLE kid DROP COLUMN years;
ALTER TABLE kid INHERIT pb;
DELETE FROM pa;
ALTER TABLE pa ADD CHECK (id > 0);
TRUNCATE pa;
DROP TABLE pb;
DROP TABLE pa;
DROP TABLE kid, pa;
