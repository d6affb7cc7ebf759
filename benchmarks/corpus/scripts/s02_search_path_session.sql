-- SET SCHEMA, set_config, RESET ALL and DISCARD ALL; a path with quotes, an absent schema and pg_catalog.
-- setup
CREATE SCHEMA "App";
CREATE SCHEMA util;
CREATE TABLE "App".note (id int);
CREATE TABLE util.note (id int);
CREATE TABLE public.note (id int);
-- test
SET search_path = "App", util;
ALTER TABLE note ADD COLUMN a int;
SET search_path TO nowhere, util;
ALTER TABLE note ADD COLUMN b int;
SET SCHEMA 'App';
ALTER TABLE note ADD COLUMN c int;
RESET search_path;
ALTER TABLE note ADD COLUMN d int;
SELECT set_config('search_path', '"App",util', false);
ALTER TABLE note ADD COLUMN e int;
RESET ALL;
ALTER TABLE note ADD COLUMN f int;
SET search_path = pg_catalog, util;
CREATE TABLE note2 AS SELECT 1 AS a;
ALTER TABLE note ADD COLUMN g int;
DISCARD ALL;
ALTER TABLE note ADD COLUMN h int;
SELECT pg_catalog.set_config('search_path', '', false);
ALTER TABLE note ADD COLUMN i int;
ALTER TABLE util.note ADD COLUMN i int;
