-- Rules that write elsewhere or not at all.
-- setup
CREATE TABLE live (id int, v text); CREATE TABLE attic (id int, v text, at timestamptz);
CREATE VIEW front AS SELECT * FROM live;
INSERT INTO live VALUES (1, 'a');
-- test
CREATE RULE keep AS ON DELETE TO live DO ALSO INSERT INTO attic VALUES (OLD.id, OLD.v, now());
CREATE RULE front_insert AS ON INSERT TO front DO INSTEAD INSERT INTO live VALUES (NEW.id, NEW.v);
CREATE OR REPLACE RULE silent AS ON UPDATE TO front DO INSTEAD NOTHING;
ALTER RULE silent ON front RENAME TO still;
ALTER TABLE live DISABLE RULE keep;
ALTER TABLE live ENABLE RULE keep;
DROP RULE keep ON live;
DELETE FROM live WHERE id = 1;
DROP RULE IF EXISTS nothing ON live;
DROP RULE nothing ON live;
DROP TABLE attic;
DROP VIEW front;
DROP TABLE live;
