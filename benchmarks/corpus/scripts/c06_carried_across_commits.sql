-- What one transaction leaves, the next one finds: keys, defaults, triggers, indexes.
-- setup
CREATE TABLE grand (id int PRIMARY KEY); CREATE TABLE log_c (x int); INSERT INTO grand VALUES (1);
-- test
BEGIN;
CREATE TABLE parent (id int PRIMARY KEY, grand int REFERENCES grand);
CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent ON DELETE CASCADE);
CREATE FUNCTION on_child() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log_c VALUES (1); RETURN OLD; END $$;
CREATE TRIGGER del AFTER DELETE ON child FOR EACH ROW EXECUTE FUNCTION on_child();
COMMIT;
INSERT INTO parent VALUES (1, 1); INSERT INTO child VALUES (1, 1);
DELETE FROM grand WHERE id = 99;
DROP TABLE grand;
ALTER TABLE parent DROP COLUMN grand;
DROP TABLE grand;
DELETE FROM parent;
ALTER TABLE child ALTER COLUMN parent SET NOT NULL;
ALTER TABLE parent RENAME TO parents;
TRUNCATE parents;
DROP FUNCTION on_child;
DROP TABLE parents CASCADE;
DROP TABLE child;
DROP FUNCTION on_child;
ALTER TABLE log_c ADD COLUMN y int;
