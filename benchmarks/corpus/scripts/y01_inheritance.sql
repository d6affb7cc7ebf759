-- Inheritance by hand: columns, checks and keys that reach children or don't.
-- setup
CREATE TABLE animal (id int, name text, born date);
CREATE TABLE dog (breed text) INHERITS (animal);
CREATE TABLE puppy () INHERITS (dog);
CREATE TABLE stray (id int, name text, born date);
INSERT INTO puppy VALUES (1, 'p', now(), 'b'); INSERT INTO stray VALUES (1, 's', now());
-- test
ALTER TABLE animal ADD COLUMN weight int;
ALTER TABLE ONLY animal ADD COLUMN height int;
ALTER TABLE ONLY dog ALTER COLUMN weight SET DEFAULT 3;
ALTER TABLE stray ADD COLUMN weight int, ADD COLUMN height int;
ALTER TABLE stray INHERIT animal;
ALTER TABLE animal ALTER COLUMN name TYPE varchar(50);
ALTER TABLE dog ALTER COLUMN name TYPE text;
ALTER TABLE animal ADD CHECK (weight > 0) NO INHERIT;
ALTER TABLE animal ADD CONSTRAINT heavy CHECK (weight < 1000);
ALTER TABLE dog DROP CONSTRAINT heavy;
ALTER TABLE stray NO INHERIT animal;
UPDATE animal SET weight = 5;
UPDATE ONLY animal SET weight = 5;
TRUNCATE ONLY animal;
TRUNCATE dog;
ALTER TABLE animal RENAME COLUMN born TO birth;
ALTER TABLE puppy RENAME COLUMN birth TO born;
CREATE INDEX ON animal (name);
DROP TABLE dog;
DROP TABLE animal CASCADE;
ALTER TABLE stray DROP COLUMN weight;
