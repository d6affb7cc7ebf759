-- Foreign keys to what isn't unique, to the wrong type, to views, to itself.
-- setup
CREATE TABLE dad (id int, code text UNIQUE, n numeric PRIMARY KEY); CREATE TABLE kid (id int, dad int, code text, t text); CREATE VIEW dads AS SELECT * FROM dad;
-- test
ALTER TABLE kid ADD FOREIGN KEY (dad) REFERENCES dad (id);
ALTER TABLE kid ADD FOREIGN KEY (dad) REFERENCES dad;
ALTER TABLE kid ADD FOREIGN KEY (code) REFERENCES dad;
ALTER TABLE kid ADD FOREIGN KEY (code) REFERENCES dad (code);
ALTER TABLE kid ADD CONSTRAINT to_view FOREIGN KEY (code) REFERENCES dads (code);
ALTER TABLE kid ADD FOREIGN KEY (t) REFERENCES dad (codes);
ALTER TABLE dad ALTER COLUMN code TYPE varchar(10);
ALTER TABLE dad ALTER COLUMN n TYPE bigint;
ALTER TABLE kid ALTER COLUMN dad TYPE numeric;
ALTER TABLE kid ALTER COLUMN dad TYPE text;
ALTER TABLE dad DROP COLUMN code;
ALTER TABLE kid DROP COLUMN code;
ALTER TABLE dad DROP COLUMN code;
ALTER TABLE dad DROP CONSTRAINT dad_pkey;
ALTER TABLE dad DROP CONSTRAINT dad_pkey CASCADE;
DROP TABLE dad;
