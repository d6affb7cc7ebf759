-- Views over views over views, and one with a function.
-- setup
CREATE TABLE leaf (id int PRIMARY KEY, parent int, v text); CREATE FUNCTION tag(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT '#' || $1 $$; INSERT INTO leaf VALUES (1, NULL, 'r');
-- test
CREATE RECURSIVE VIEW tree (id, depth) AS SELECT id, 0 FROM leaf WHERE parent IS NULL UNION ALL SELECT l.id, t.depth + 1 FROM leaf l JOIN tree t ON l.parent = t.id;
CREATE VIEW tagged AS SELECT id, tag(v) AS tagged FROM leaf;
CREATE MATERIALIZED VIEW deep AS SELECT depth, tagged FROM tree JOIN tagged USING (id);
CREATE VIEW over_deep AS SELECT max(depth) AS d FROM deep;
DROP FUNCTION tag(text);
ALTER TABLE leaf ALTER COLUMN v TYPE varchar(20);
ALTER TABLE leaf DROP COLUMN parent;
REFRESH MATERIALIZED VIEW deep;
SELECT * FROM over_deep;
DROP VIEW tree;
DROP MATERIALIZED VIEW deep CASCADE;
DROP VIEW tree, tagged;
ALTER TABLE leaf DROP COLUMN parent;
DROP FUNCTION tag(text);
LOCK TABLE over_deep;
