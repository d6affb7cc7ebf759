-- serial in ALTER TABLE, dropped sequences, owners.
-- setup
CREATE TABLE item (name text); INSERT INTO item VALUES ('a'), ('b'); CREATE TABLE item2 (id serial, name text);
-- test
ALTER TABLE item ADD COLUMN id serial;
ALTER TABLE item ADD PRIMARY KEY (id);
ALTER TABLE item2 ADD COLUMN number serial NOT NULL, ADD COLUMN big bigserial;
DROP SEQUENCE item_id_seq;
ALTER TABLE item ALTER COLUMN id DROP DEFAULT;
DROP SEQUENCE item_id_seq;
INSERT INTO item (name) VALUES ('c');
ALTER SEQUENCE item2_id_seq RENAME TO i2;
INSERT INTO item2 (name) VALUES ('d');
SELECT nextval('item2_id_seq');
ALTER TABLE item2 RENAME COLUMN id TO nr;
DROP SEQUENCE i2 CASCADE;
ALTER TABLE item2 DROP COLUMN big;
SELECT nextval('item2_big_seq');
ALTER TABLE item2 SET SCHEMA pg_temp;
DROP TABLE item2;
