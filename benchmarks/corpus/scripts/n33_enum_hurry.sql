-- Enumerations changed as if they were tables.
-- setup
CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE TABLE person (id int, mood mood DEFAULT 'ok'); INSERT INTO person VALUES (1, 'ok');
-- test
ALTER TYPE mood ADD VALUE 'happy' AFTER 'good';
ALTER TYPE mood ADD VALUE 'happy' AFTER 'ok';
ALTER TYPE mood RENAME VALUE 'bad' TO 'sad';
ALTER TYPE mood DROP VALUE 'sad';
BEGIN;
ALTER TYPE mood ADD VALUE 'great';
UPDATE person SET mood = 'great';
UPDATE person SET mood = 'happy';
COMMIT;
ALTER TABLE person ALTER COLUMN mood TYPE text;
ALTER TABLE person ALTER COLUMN mood DROP DEFAULT;
DROP TYPE mood;
CREATE TYPE mood AS ENUM ('a');
ALTER TABLE person ALTER COLUMN mood TYPE mood;
ALTER TABLE person ALTER COLUMN mood TYPE mood USING 'a'::mood;
DROP TYPE mood CASCADE;
ALTER TYPE mood ADD VALUE 'z';
