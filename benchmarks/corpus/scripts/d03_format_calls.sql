-- SQL that format() makes from constants, catalogs and parameters.
-- setup
CREATE TABLE part_a (id int, v int); CREATE TABLE part_b (id int, v int); CREATE SCHEMA arch; CREATE TABLE arch.part_c (id int, v int);
CREATE FUNCTION add_index(tab text, col text) RETURNS void LANGUAGE plpgsql AS
  $$ BEGIN EXECUTE format('CREATE INDEX %I ON %I (%I)', tab || '_' || col, tab, col); END $$;
CREATE FUNCTION add_column(sch text, tab text, col text, typ text DEFAULT 'int') RETURNS void LANGUAGE plpgsql AS
  $$ BEGIN EXECUTE format('ALTER TABLE %I.%I ADD COLUMN IF NOT EXISTS %I %s', sch, tab, col, typ); END $$;
CREATE FUNCTION lock_all(VARIADIC tabs text[]) RETURNS void LANGUAGE plpgsql AS
  $$ DECLARE t text; BEGIN FOREACH t IN ARRAY tabs LOOP EXECUTE 'LOCK TABLE ' || t || ' IN SHARE MODE'; END LOOP; END $$;
-- test
SELECT add_index('part_a', 'v');
SELECT add_index('part_b', 'v'), add_index('part_b', 'id');
SELECT add_column('arch', 'part_c', 'w');
SELECT add_column('arch', 'part_c', 'x', typ => 'text');
SELECT add_column('public', 'part_a', 'x', 'text');
DO $$ BEGIN PERFORM add_column('public', 'part_b', 'y'); END $$;
DO $$ DECLARE stem text := 'part_'; BEGIN EXECUTE 'ALTER TABLE ' || stem || 'a' || ' ADD COLUMN q int'; EXECUTE concat('DROP INDEX ', stem, 'a_v'); END $$;
DO $$ DECLARE s text; BEGIN s := 'arch'; EXECUTE format('DROP TABLE %I.part_c', s); END $$;
SELECT add_column('arch', 'part_c', 'z');
CREATE INDEX part_a_v ON part_a (v);
DROP INDEX part_b_v, part_b_id;
