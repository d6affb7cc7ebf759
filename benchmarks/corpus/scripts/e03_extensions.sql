-- Extensions that come, move and go with what uses them.
-- setup
CREATE SCHEMA ext; CREATE TABLE person (id int, mail text);
-- test
CREATE EXTENSION IF NOT EXISTS citext SCHEMA ext;
CREATE EXTENSION citext;
ALTER TABLE person ADD COLUMN nick ext.citext;
ALTER TABLE person ALTER COLUMN mail TYPE ext.citext;
CREATE EXTENSION pg_trgm;
CREATE INDEX person_mail ON person USING gin ((mail::text) gin_trgm_ops);
DROP EXTENSION pg_trgm;
ALTER EXTENSION citext SET SCHEMA public;
ALTER TABLE person ADD COLUMN other citext;
DROP EXTENSION pg_trgm CASCADE;
DROP EXTENSION citext;
ALTER TABLE person ALTER COLUMN nick TYPE text, ALTER COLUMN mail TYPE text;
ALTER TABLE person DROP COLUMN other;
DROP EXTENSION citext;
CREATE EXTENSION no_such_extension;
DROP EXTENSION IF EXISTS citext;
