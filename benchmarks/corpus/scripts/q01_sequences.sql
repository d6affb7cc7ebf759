-- Sequences alone, owned and behind defaults.
-- setup
CREATE SEQUENCE counter; CREATE TABLE piece (id serial PRIMARY KEY, nr int DEFAULT nextval('counter'));
CREATE TABLE other (id int);
INSERT INTO piece DEFAULT VALUES;
-- test
ALTER SEQUENCE counter INCREMENT BY 10;
ALTER SEQUENCE counter RESTART;
ALTER SEQUENCE counter AS bigint MAXVALUE 5000;
ALTER SEQUENCE counter OWNED BY other.id;
DROP TABLE other;
DROP SEQUENCE counter;
ALTER SEQUENCE counter OWNED BY NONE;
DROP TABLE other;
ALTER SEQUENCE counter RENAME TO number;
INSERT INTO piece DEFAULT VALUES;
SELECT nextval('number'), currval('piece_id_seq');
SELECT setval('number', 40, false);
DROP SEQUENCE piece_id_seq CASCADE;
ALTER SEQUENCE IF EXISTS piece_id_seq RESTART WITH 4;
DROP SEQUENCE number;
ALTER TABLE piece ALTER COLUMN nr DROP DEFAULT;
DROP SEQUENCE number;
CREATE SEQUENCE number OWNED BY piece.nr;
ALTER TABLE piece DROP COLUMN nr;
SELECT nextval('number');
