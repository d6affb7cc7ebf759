-- Names that only a run of the code brings up: from arguments, variables, loops, triggers and functions of functions.
-- setup
CREATE TABLE shard_1 (id int); CREATE TABLE shard_2 (id int); CREATE TABLE shard_3 (id int); CREATE TABLE shard_4 (id int);
CREATE TABLE log_2025 (id int); CREATE TABLE log_2026 (id int); CREATE TABLE log_2027 (id int);
INSERT INTO shard_1 VALUES (1); INSERT INTO shard_2 VALUES (1); INSERT INTO shard_3 VALUES (1);
CREATE TABLE main (id int); CREATE TABLE main_log (id int);
CREATE FUNCTION drop_shard(n int) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE format('DROP TABLE shard_%s', n); END $$;
CREATE FUNCTION drop_by(name text, n int DEFAULT 2) RETURNS void LANGUAGE sql AS $$ SELECT drop_shard(n) $$;
CREATE FUNCTION wipe(tab regclass) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'TRUNCATE ' || tab; END $$;
CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN EXECUTE format('LOCK TABLE %I IN SHARE MODE', TG_TABLE_NAME || '_log'); RETURN NULL; END $$;
CREATE TRIGGER main_audit AFTER INSERT ON main FOR EACH ROW EXECUTE FUNCTION audit();
-- test
SELECT drop_shard(1);
SELECT drop_by('x', 2);
DO $$ DECLARE t text := 'shard_3'; BEGIN EXECUTE 'DROP TABLE ' || quote_ident(t); END $$;
SELECT wipe('public.shard_4');
DO $$ BEGIN FOR y IN 2025..2026 LOOP EXECUTE format('DROP TABLE log_%s', y); END LOOP; END $$;
DO $$ DECLARE t text; BEGIN FOREACH t IN ARRAY ARRAY['log_2027'] LOOP EXECUTE format('ALTER TABLE %I ADD COLUMN x int', t); END LOOP; END $$;
INSERT INTO main VALUES (1);
