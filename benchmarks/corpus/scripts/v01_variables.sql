-- psql's variables as names, literals and SQL; \gexec on the catalog.
-- setup
CREATE SCHEMA env_test; CREATE TABLE env_test.site (id int, name text); CREATE TABLE site (id int, name text);
-- test
\set schema env_test
\set col 'new_col'
\set limit 10
ALTER TABLE :"schema".site ADD COLUMN :"col" int;
ALTER TABLE :schema.site ADD COLUMN plain int DEFAULT :limit;
INSERT INTO :"schema".site (name) VALUES (:'col');
SET search_path TO :schema;
ALTER TABLE site ADD COLUMN here int;
\set schema public
SET search_path TO :schema;
ALTER TABLE site ADD COLUMN there int;
SELECT 'ALTER TABLE site ADD COLUMN made int' \gexec
SELECT format('CREATE INDEX ON %I (id)', relname) FROM pg_class WHERE relname = 'nothing_like_it' \gexec
\set stmt 'DROP TABLE site'
:stmt;
ALTER TABLE site ADD COLUMN late int;
\echo done :stmt
COMMENT ON TABLE :schema.nothing IS :'schema';
