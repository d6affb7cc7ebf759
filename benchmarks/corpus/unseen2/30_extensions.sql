-- setup
-- contrib only
CREATE SCHEMA ext;
CREATE EXTENSION IF NOT EXISTS citext WITH SCHEMA ext;
CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA ext;
CREATE EXTENSION hstore SCHEMA ext;
-- test

SELECT count(*) > 0 AS has_ossp FROM pg_available_extensions WHERE name = 'uuid-ossp' \gset
\if :has_ossp
CREATE EXTENSION "uuid-ossp" SCHEMA ext;
\endif
CREATE EXTENSION ltree;
CREATE EXTENSION tablefunc;
CREATE EXTENSION IF NOT EXISTS ltree;
SET search_path = public, ext;
CREATE TABLE member (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), email varchar(100) NOT NULL, props text, path text);
INSERT INTO member (email, props, path) SELECT 'User' || g || '@Example.org', 'a=>' || g || ', b=>x', 'top.l' || g % 5 || '.n' || g FROM generate_series(1, 60) g;
ALTER TABLE member ALTER COLUMN email TYPE citext;
ALTER TABLE member ALTER COLUMN props TYPE hstore USING props::hstore;
ALTER TABLE member ALTER COLUMN path TYPE ltree USING text2ltree(path);
CREATE UNIQUE INDEX member_email_uq ON member (email);
CREATE INDEX member_email_trgm ON member USING gin ((email::text) gin_trgm_ops);
CREATE INDEX CONCURRENTLY member_path_gist ON member USING gist (path);
CREATE INDEX member_props ON member USING gin (props);
UPDATE member SET props = props || 'c=>1'::hstore WHERE email = 'USER7@example.ORG';
DELETE FROM member WHERE path <@ 'top.l3';
-- not every build ships uuid-ossp
\if :has_ossp
ALTER TABLE member ADD COLUMN legacy_id uuid DEFAULT uuid_generate_v1();
ALTER TABLE member ADD COLUMN ns uuid DEFAULT uuid_nil();
\endif
CREATE VIEW member_tree AS SELECT subpath(path, 0, 2) AS branch, count(*) AS n FROM member GROUP BY 1;
SELECT * FROM crosstab('SELECT path::text, ''n'', 1 FROM public.member ORDER BY 1 LIMIT 3', 'SELECT ''n''') AS ct(p text, n int);
ALTER EXTENSION pg_trgm SET SCHEMA public;
ALTER EXTENSION citext UPDATE;
COMMENT ON EXTENSION hstore IS 'key/value, on its way out';
BEGIN;
ALTER TABLE member ADD COLUMN props_json jsonb;
UPDATE member SET props_json = hstore_to_jsonb(props);
ALTER TABLE member DROP COLUMN props;
DROP EXTENSION hstore;
COMMIT;
DROP EXTENSION tablefunc;
DROP EXTENSION ltree CASCADE;
DROP EXTENSION IF EXISTS intarray;
