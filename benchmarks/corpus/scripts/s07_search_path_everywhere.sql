-- Every way to say where names are looked for, in one script: a transaction, a function, a block, a rollback.
-- setup
CREATE SCHEMA base; CREATE SCHEMA over; CREATE SCHEMA "Odd Name";
CREATE TABLE base.t (id int); CREATE TABLE over.t (id int); CREATE TABLE "Odd Name".t (id int); CREATE TABLE public.t (id int);
CREATE FUNCTION base.touch() RETURNS void LANGUAGE plpgsql AS $$ BEGIN LOCK TABLE t IN SHARE MODE; END $$;
-- test
SET search_path TO over, base, public;
SELECT touch();
ALTER TABLE t ADD COLUMN a int;
BEGIN;
SET LOCAL search_path = base;
SELECT touch();
ALTER TABLE t ADD COLUMN b int;
SET search_path = "Odd Name";
ALTER TABLE t ADD COLUMN c int;
ROLLBACK;
ALTER TABLE t ADD COLUMN d int;
DO $$ BEGIN SET search_path = public; ALTER TABLE t ADD COLUMN e int; END $$;
ALTER TABLE t ADD COLUMN f int;
DO $$ BEGIN PERFORM set_config('search_path', 'base', true); ALTER TABLE t ADD COLUMN g int; END $$;
ALTER TABLE t ADD COLUMN h int;
BEGIN; SET search_path TO base; COMMIT;
ALTER TABLE t ADD COLUMN i int;
ALTER TABLE t SET SCHEMA over;
ALTER TABLE t RENAME TO t_base;
ALTER TABLE t_base SET SCHEMA over;
SET search_path TO DEFAULT;
ALTER TABLE t_base ADD COLUMN x int;
ALTER TABLE over.t_base ADD COLUMN x int;
