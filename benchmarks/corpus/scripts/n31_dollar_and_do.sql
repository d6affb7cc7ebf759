-- DO blocks that do what one statement would.
-- setup
CREATE TABLE q (id int, v int); INSERT INTO q SELECT g, g FROM generate_series(1, 10) g; CREATE TABLE q_old (id int);
-- test
DO $$ BEGIN ALTER TABLE q ADD COLUMN w int; UPDATE q SET w = v; ALTER TABLE q ALTER COLUMN w SET NOT NULL; END $$;
DO 'BEGIN CREATE INDEX q_w ON q (w); END';
DO LANGUAGE plpgsql $x$ DECLARE r record; BEGIN FOR r IN SELECT * FROM q LOOP UPDATE q SET v = r.id WHERE id = r.id; END LOOP; END $x$;
DO $$ DECLARE n int; BEGIN SELECT count(*) INTO n FROM q_old; IF n = 0 THEN DROP TABLE q_old; END IF; END $$;
DO $$ BEGIN ALTER TABLE q RENAME TO qq; ALTER TABLE qq ADD COLUMN x int; END $$;
DO $$ BEGIN PERFORM nothing(); END $$;
DO $$ BEGIN ALTER TABLE q ADD COLUMN y int; END $$;
DO $$ BEGIN ALTER TABLE qq ADD COLUMN y int, END $$;
DO $$ BEGIN EXECUTE 'ALTER TABLE qq DROP COLUMN y'; EXCEPTION WHEN undefined_column THEN NULL; END $$;
DO $$ BEGIN EXECUTE NULL; END $$;
DO $$ BEGIN CREATE TEMP TABLE helper (id int); INSERT INTO helper SELECT id FROM qq; DROP TABLE helper; END $$;
DO $$ BEGIN VACUUM qq; END $$;
DO LANGUAGE sql $$ SELECT 1 $$;
DO LANGUAGE klingon $$ x $$;
ALTER TABLE qq DROP COLUMN x;
