-- Which type changes write a table anew, one after the other, with indexes and checks in the way.
-- setup
CREATE TABLE bill (id int PRIMARY KEY, total numeric(10,2), code varchar(20), note text, at timestamp, paid boolean, tags varchar[]);
CREATE INDEX bill_code ON bill (code);
CREATE INDEX bill_total ON bill (total);
ALTER TABLE bill ADD CONSTRAINT positive CHECK (total >= 0);
INSERT INTO bill SELECT g, g, 'c' || g, 'n', now(), true, NULL FROM generate_series(1, 30) g;
-- test
ALTER TABLE bill ALTER COLUMN code TYPE varchar(40);
ALTER TABLE bill ALTER COLUMN code TYPE text;
ALTER TABLE bill ALTER COLUMN code TYPE varchar(30);
ALTER TABLE bill ALTER COLUMN total TYPE numeric(14,2);
ALTER TABLE bill ALTER COLUMN total TYPE numeric(14,3);
ALTER TABLE bill ALTER COLUMN total TYPE numeric;
ALTER TABLE bill ALTER COLUMN id TYPE bigint;
ALTER TABLE bill ALTER COLUMN at TYPE timestamptz;
ALTER TABLE bill ALTER COLUMN at TYPE timestamptz(3), ALTER COLUMN note TYPE varchar;
ALTER TABLE bill ALTER COLUMN paid TYPE text USING CASE WHEN paid THEN 'yes' ELSE 'no' END;
ALTER TABLE bill ALTER COLUMN tags TYPE text[];
ALTER TABLE bill ALTER COLUMN note SET DATA TYPE text COLLATE "C";
