-- Tables that share a parent that nobody remembers.
-- setup
CREATE TABLE stamped (made timestamptz DEFAULT now(), by_whom text); CREATE TABLE doc (id int PRIMARY KEY) INHERITS (stamped); CREATE TABLE img (id int) INHERITS (stamped);
INSERT INTO doc (id) VALUES (1);
-- test
ALTER TABLE doc DROP COLUMN made;
ALTER TABLE doc ALTER COLUMN by_whom TYPE varchar(10);
ALTER TABLE doc ALTER COLUMN by_whom SET NOT NULL;
ALTER TABLE doc RENAME COLUMN by_whom TO author;
ALTER TABLE stamped RENAME COLUMN by_whom TO author;
ALTER TABLE stamped ALTER COLUMN author TYPE varchar(40);
DELETE FROM stamped;
SELECT * FROM ONLY stamped;
UPDATE stamped SET author = 'x' WHERE made < now();
ALTER TABLE img NO INHERIT stamped;
ALTER TABLE img NO INHERIT stamped;
ALTER TABLE img DROP COLUMN made;
ALTER TABLE stamped ADD COLUMN id int;
ALTER TABLE stamped DROP COLUMN author;
DROP TABLE stamped;
ALTER TABLE doc NO INHERIT stamped;
DROP TABLE stamped;
