-- setup
CREATE DOMAIN email_t AS text CHECK (VALUE ~ '^[^@]+@[^@]+$');
CREATE DOMAIN posint AS integer DEFAULT 1 CONSTRAINT pos CHECK (VALUE > 0);
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TYPE addr AS (street text, zip varchar(10));
CREATE TABLE person (id serial PRIMARY KEY, mail email_t, m mood DEFAULT 'ok', home addr, qty posint, tags text[]);
INSERT INTO person (mail, m, home, tags) SELECT 'p' || g || '@x.org', (ARRAY['sad','ok','happy'])[1 + g % 3]::mood, ROW('Main St ' || g, ('1000' || g % 10)::varchar(10))::addr, ARRAY['a', 'b' || g] FROM generate_series(1, 30) g;
-- test

-- fails: domain check
INSERT INTO person (mail) VALUES ('nobody');
ALTER TYPE mood ADD VALUE IF NOT EXISTS 'meh' BEFORE 'ok';
BEGIN;
ALTER TYPE mood ADD VALUE 'ecstatic';
-- fails: unsafe use of a new enum value in the same transaction
UPDATE person SET m = 'ecstatic' WHERE m = 'happy';
ROLLBACK;
ALTER TYPE mood RENAME VALUE 'ok' TO 'fine';
-- fails: label was renamed
UPDATE person SET m = 'ok' WHERE id = 1;
-- fails: enum labels cannot be dropped, no such syntax
ALTER TYPE mood DROP VALUE 'sad';
-- fails: existing data violates the new domain constraint
ALTER DOMAIN posint ADD CONSTRAINT big CHECK (VALUE > 10);
ALTER DOMAIN posint ADD CONSTRAINT big CHECK (VALUE < 1000) NOT VALID;
ALTER DOMAIN posint VALIDATE CONSTRAINT big;
ALTER DOMAIN posint DROP CONSTRAINT pos;
ALTER DOMAIN email_t SET NOT NULL;
ALTER TYPE addr ADD ATTRIBUTE city text CASCADE;
-- fails: composite type is used by a column of a table
ALTER TYPE addr ALTER ATTRIBUTE zip TYPE integer;
UPDATE person SET home.city = 'Bonn';
SELECT (home).street, (home).city FROM person WHERE id = 3;
ALTER TYPE addr RENAME ATTRIBUTE zip TO postcode;
-- fails: column type is in use
DROP TYPE addr;
-- fails: text array cannot be cast to integer array by these values
ALTER TABLE person ALTER COLUMN tags TYPE int[] USING tags::int[];
ALTER TABLE person ALTER COLUMN tags TYPE varchar(20)[];
ALTER TABLE person ALTER COLUMN qty TYPE int;
ALTER TABLE person ALTER COLUMN mail TYPE text;
ALTER TABLE person ALTER COLUMN mail TYPE email_t;
ALTER TABLE person ALTER COLUMN m DROP DEFAULT, ALTER COLUMN m TYPE text;
DROP TYPE mood;
CREATE TABLE typed OF addr (street WITH OPTIONS NOT NULL);
-- fails: typed table
ALTER TABLE typed ADD COLUMN x int;
ALTER TABLE typed NOT OF;
ALTER TABLE person DROP COLUMN home;
DROP DOMAIN email_t CASCADE;
