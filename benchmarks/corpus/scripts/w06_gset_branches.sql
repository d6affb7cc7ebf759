-- What a query says decides, by \gset and \if.
-- setup
CREATE TABLE config (k text, v int); INSERT INTO config VALUES ('version', 3);
CREATE TABLE v3 (id int); CREATE TABLE v4 (id int);
-- test
SELECT v >= 4 AS is_four, v AS version FROM config WHERE k = 'version' \gset
\if :is_four
ALTER TABLE v4 ADD COLUMN a int;
\else
ALTER TABLE v3 RENAME TO v3_old;
\endif
ALTER TABLE v4 ADD COLUMN b int;
UPDATE config SET v = 4;
SELECT EXISTS (SELECT FROM pg_class WHERE relname = 'v5') AS has_v5 \gset
\if :has_v5
\echo there is a fifth
\else
CREATE TABLE v5 (id int);
\endif
ALTER TABLE v5 ADD COLUMN c int;
SELECT current_setting('server_version_num')::int >= 130000 AS modern \gset
\if :modern
CREATE INDEX v4_id ON v4 (id);
\endif
DROP INDEX IF EXISTS v4_id;
ALTER TABLE v4 DROP COLUMN b;
