-- Loops over what the catalog says: what they touch is known only when they run.
-- setup
CREATE TABLE fixed (id int); CREATE TABLE other (id int);
-- test
DO $$ BEGIN IF to_regclass('public.fixed') IS NOT NULL THEN ALTER TABLE fixed ADD COLUMN a int; END IF; END $$;
ALTER TABLE fixed ADD COLUMN IF NOT EXISTS a int;
DO $$ DECLARE n int; BEGIN SELECT count(*) INTO n FROM fixed; RAISE NOTICE '% rows', n; END $$;
DO $$ BEGIN FOR i IN 1..3 LOOP INSERT INTO fixed VALUES (i); END LOOP; END $$;
DO $$ DECLARE r record; BEGIN FOR r IN SELECT id FROM fixed LOOP UPDATE other SET id = r.id; END LOOP; END $$;
DO $$ BEGIN PERFORM pg_advisory_xact_lock(1); LOCK TABLE other IN SHARE MODE; END $$;
DO $$ BEGIN ASSERT (SELECT count(*) FROM fixed) = 3; ALTER TABLE other ADD COLUMN b int; END $$;
DO $$ DECLARE v int; BEGIN v := (SELECT max(id) FROM fixed); IF v > 0 THEN ALTER TABLE other ALTER COLUMN id TYPE bigint; END IF; END $$;
DROP TABLE other;
