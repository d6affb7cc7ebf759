-- A platform team guards production by event triggers, and a migration that runs into them.
-- setup
CREATE TABLE ddl_log (at timestamptz DEFAULT now(), tag text, object text);
CREATE TABLE precious (id int PRIMARY KEY, v text); INSERT INTO precious SELECT g, 'v' FROM generate_series(1, 20) g; CREATE TABLE plain (id int, v int); INSERT INTO plain SELECT g, g FROM generate_series(1, 20) g;
CREATE FUNCTION log_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ DECLARE r record; BEGIN FOR r IN SELECT * FROM pg_event_trigger_ddl_commands() LOOP INSERT INTO public.ddl_log (tag, object) VALUES (r.command_tag, r.object_identity); END LOOP; END $$;
CREATE FUNCTION guard_drop() RETURNS event_trigger LANGUAGE plpgsql AS $$ DECLARE r record; BEGIN FOR r IN SELECT * FROM pg_event_trigger_dropped_objects() LOOP IF r.object_identity LIKE 'public.precious%' AND r.object_type IN ('table', 'table column') THEN RAISE EXCEPTION 'hands off %', r.object_identity; END IF; END LOOP; END $$;
CREATE FUNCTION no_rewrite() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'rewrite of % refused', pg_event_trigger_table_rewrite_oid()::regclass; END $$;
CREATE EVENT TRIGGER log_ddl ON ddl_command_end WHEN TAG IN ('ALTER TABLE', 'CREATE TABLE', 'CREATE INDEX') EXECUTE FUNCTION log_ddl();
CREATE EVENT TRIGGER guard_drop ON sql_drop EXECUTE FUNCTION guard_drop();
CREATE EVENT TRIGGER no_rewrite ON table_rewrite EXECUTE FUNCTION no_rewrite();
-- test
ALTER TABLE plain ADD COLUMN w int DEFAULT 3;
CREATE INDEX ON plain (v);
DROP TABLE precious;
ALTER TABLE precious DROP COLUMN v;
ALTER TABLE plain ALTER COLUMN v TYPE bigint;
ALTER TABLE plain ADD COLUMN u uuid DEFAULT gen_random_uuid();
ALTER TABLE plain SET UNLOGGED;
VACUUM FULL plain;
ALTER EVENT TRIGGER no_rewrite DISABLE;
ALTER TABLE plain ALTER COLUMN v TYPE bigint;
BEGIN;
ALTER EVENT TRIGGER guard_drop DISABLE;
ALTER TABLE precious DROP COLUMN v;
ALTER EVENT TRIGGER guard_drop ENABLE;
COMMIT;
DELETE FROM precious;
TRUNCATE precious;
DROP TABLE precious;
DROP EVENT TRIGGER guard_drop;
DROP TABLE precious;
ALTER TABLE ddl_log RENAME COLUMN object TO what;
ALTER TABLE plain DROP COLUMN w;
DROP TABLE plain;
DROP FUNCTION log_ddl();
DROP FUNCTION log_ddl() CASCADE;
ALTER TABLE ddl_log RENAME COLUMN what TO object;
