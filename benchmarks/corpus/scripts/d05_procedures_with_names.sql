-- Procedures that are handed a table's name, and loops over several.
-- setup
CREATE TABLE za (id int); CREATE TABLE zb (id int); CREATE SCHEMA zs; CREATE TABLE zs.za (id int);
CREATE PROCEDURE add_audit(tab regclass) LANGUAGE plpgsql AS $$ BEGIN EXECUTE format('ALTER TABLE %s ADD COLUMN IF NOT EXISTS changed timestamptz', tab); END $$;
CREATE FUNCTION drop_if(tab text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN EXECUTE format('DROP TABLE IF EXISTS %I', tab); RETURN true; END $$;
-- test
CALL add_audit('za');
CALL add_audit('zs.za');
DO $$ DECLARE t text; BEGIN FOREACH t IN ARRAY ARRAY['za', 'zb'] LOOP CALL add_audit(t::regclass); END LOOP; END $$;
SELECT drop_if('zb');
SELECT drop_if('zb');
SELECT drop_if('zs.za');
DO $$ BEGIN PERFORM drop_if(name) FROM (VALUES ('za')) AS v (name); END $$;
CREATE TABLE za (id int);
SET search_path = zs;
SELECT public.drop_if('za');
CALL public.add_audit('public.zb');
