-- setup
CREATE TABLE ddl_log (at timestamptz DEFAULT now(), tag text, obj text);
CREATE TABLE keep_me (id int PRIMARY KEY, v text);
CREATE TABLE scratch_a (id int, v text);
INSERT INTO keep_me SELECT g, 'v' || g FROM generate_series(1, 20) g;
INSERT INTO scratch_a SELECT g, 'v' || g FROM generate_series(1, 20) g;
CREATE FUNCTION log_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$
DECLARE r record;
BEGIN
  FOR r IN SELECT * FROM pg_event_trigger_ddl_commands() LOOP
    INSERT INTO public.ddl_log (tag, obj) VALUES (r.command_tag, r.object_identity);
  END LOOP;
END $$;
CREATE FUNCTION guard_drop() RETURNS event_trigger LANGUAGE plpgsql AS $$
DECLARE r record;
BEGIN
  FOR r IN SELECT * FROM pg_event_trigger_dropped_objects() LOOP
    IF r.object_type = 'table' AND r.object_name LIKE 'keep%' THEN
      RAISE EXCEPTION 'table % is protected', r.object_identity;
    END IF;
  END LOOP;
END $$;
CREATE FUNCTION guard_rewrite() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
  IF pg_event_trigger_table_rewrite_oid() = 'public.keep_me'::regclass THEN
    RAISE EXCEPTION 'no rewrites of % in office hours (reason %)', pg_event_trigger_table_rewrite_oid()::regclass, pg_event_trigger_table_rewrite_reason();
  END IF;
END $$;
-- test

CREATE EVENT TRIGGER et_log ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'ALTER TABLE', 'CREATE INDEX') EXECUTE FUNCTION log_ddl();
CREATE EVENT TRIGGER et_drop ON sql_drop EXECUTE FUNCTION guard_drop();
CREATE EVENT TRIGGER et_rewrite ON table_rewrite EXECUTE FUNCTION guard_rewrite();
CREATE TABLE scratch_b (id int);
-- fails: guard_drop raises
DROP TABLE keep_me;
DROP TABLE scratch_b;
-- fails: guard_rewrite raises
ALTER TABLE keep_me ALTER COLUMN id TYPE bigint;
ALTER TABLE scratch_a ALTER COLUMN id TYPE bigint;
ALTER TABLE keep_me ADD COLUMN note text DEFAULT 'none';
-- fails: volatile default needs a rewrite, guarded
ALTER TABLE keep_me ADD COLUMN rnd float DEFAULT random();
-- binary coercible, no rewrite
ALTER TABLE keep_me ALTER COLUMN v TYPE varchar;
-- dropping a column is no dropped table
ALTER TABLE keep_me DROP COLUMN note;
CREATE INDEX keep_v ON keep_me (v);
DROP INDEX keep_v;
-- truncation is not guarded at all
TRUNCATE keep_me;
ALTER EVENT TRIGGER et_rewrite DISABLE;
ALTER TABLE keep_me ADD COLUMN rnd float DEFAULT random();
CREATE FUNCTION no_create() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'freeze: % not allowed', tg_tag; END $$;
CREATE EVENT TRIGGER et_freeze ON ddl_command_start WHEN TAG IN ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TABLE') EXECUTE FUNCTION no_create();
-- fails: freeze
CREATE TABLE newbie (a int);
-- fails: freeze
SELECT * INTO scratch_c FROM scratch_a;
-- fails: freeze
ALTER TABLE scratch_a RENAME COLUMN v TO val;
-- fails: event trigger uses the function
DROP FUNCTION no_create();
UPDATE scratch_a SET v = 'dml is free';
ALTER EVENT TRIGGER et_freeze RENAME TO et_frozen;
DROP EVENT TRIGGER et_frozen;
ALTER TABLE scratch_a RENAME COLUMN v TO val;
DROP EVENT TRIGGER et_log;
DROP FUNCTION guard_drop() CASCADE;
DROP TABLE keep_me, scratch_a;
