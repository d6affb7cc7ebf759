-- Emails to citext, search by trigrams: extensions come, types hang on them, one goes again.
-- setup
CREATE TABLE login (id int PRIMARY KEY, email varchar(200) NOT NULL, nick text); CREATE UNIQUE INDEX login_email ON login (lower(email)); CREATE INDEX login_nick ON login (nick);
CREATE TABLE invite (email text, by_login int REFERENCES login); CREATE VIEW login_v AS SELECT id, email FROM login;
INSERT INTO login SELECT g, 'User' || g || '@x.org', 'n' || g FROM generate_series(1, 30) g; INSERT INTO login VALUES (31, 'other@x.org', 'o'); INSERT INTO invite SELECT 'i' || g, g FROM generate_series(1, 10) g;
-- test
CREATE SCHEMA ext;
CREATE EXTENSION citext SCHEMA ext;
CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA ext;
ALTER TABLE login ALTER COLUMN email TYPE citext;
SET search_path = public, ext;
ALTER TABLE login ALTER COLUMN email TYPE citext;
DROP VIEW login_v;
ALTER TABLE login ALTER COLUMN email TYPE citext;
CREATE VIEW login_v AS SELECT id, email FROM login;
ALTER TABLE invite ALTER COLUMN email TYPE ext.citext;
DROP INDEX login_email;
ALTER TABLE login ADD CONSTRAINT login_email UNIQUE (email);
INSERT INTO login VALUES (40, 'OTHER@X.ORG', 'dup');
INSERT INTO login VALUES (31, 'x', 'dup') ON CONFLICT (id) DO UPDATE SET nick = excluded.nick;
CREATE INDEX CONCURRENTLY login_nick_trgm ON login USING gin (nick gin_trgm_ops);
SELECT id FROM login WHERE nick % 'n12';
DROP EXTENSION pg_trgm;
DROP INDEX CONCURRENTLY login_nick_trgm;
DROP EXTENSION pg_trgm RESTRICT;
ALTER EXTENSION citext SET SCHEMA public;
ALTER TABLE invite ALTER COLUMN email TYPE ext.citext;
ALTER TABLE invite ALTER COLUMN email SET NOT NULL;
ALTER TABLE invite ALTER COLUMN email TYPE text;
CREATE EXTENSION no_such_extension;
CREATE EXTENSION IF NOT EXISTS citext;
DROP SCHEMA ext;
DROP EXTENSION citext CASCADE;
SELECT email FROM login;
ALTER TABLE login ADD COLUMN email text;
