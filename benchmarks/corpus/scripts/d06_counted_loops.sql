-- Loops that count to what they are told, and types made of types.
-- setup
CREATE TABLE grown (id int); CREATE TABLE measured (day date) PARTITION BY RANGE (day); CREATE TABLE shop (id int PRIMARY KEY, name text);
CREATE DOMAIN north AS int CHECK (VALUE < 90);
CREATE PROCEDURE grow(IN n int DEFAULT 2) LANGUAGE plpgsql AS $$ BEGIN FOR i IN 1..n LOOP EXECUTE format('ALTER TABLE grown ADD COLUMN extra_%s int', i); COMMIT; END LOOP; END $$;
-- test
CALL grow();
CALL grow(3);
CALL grow(n => 1);
DO $$ BEGIN FOR i IN 7..9 LOOP EXECUTE format('CREATE TABLE measured_%s PARTITION OF measured FOR VALUES FROM (%L) TO (%L)', lpad(i::text, 2, '0'), make_date(2025, i, 1), make_date(2025, i + 1, 1)); END LOOP; END $$;
DROP TABLE measured_08;
CREATE TYPE place AS (lat north, label text);
ALTER TABLE shop ADD COLUMN at place;
ALTER TYPE place ADD ATTRIBUTE alt int;
ALTER TYPE place ALTER ATTRIBUTE label TYPE varchar(40);
ALTER DOMAIN north ADD CHECK (VALUE > -80);
DROP TYPE place;
