-- Blocks that catch: what they tried is undone, what they do instead isn't.
-- setup
CREATE TABLE rate (id int PRIMARY KEY, v numeric); CREATE TABLE rate_log (msg text);
CREATE TABLE base (id int PRIMARY KEY); CREATE TABLE dep (base int REFERENCES base);
-- test
DO $$ BEGIN
  BEGIN
    DROP TABLE base;
  EXCEPTION WHEN dependent_objects_still_exist THEN
    ALTER TABLE dep DROP CONSTRAINT dep_base_fkey;
  END;
END $$;
DROP TABLE base;
DO $$ BEGIN
  ALTER TABLE rate ADD COLUMN v numeric;
EXCEPTION WHEN OTHERS THEN
  INSERT INTO rate_log VALUES (SQLERRM);
END $$;
DO $$ BEGIN ALTER TABLE rate ADD COLUMN w int; RAISE EXCEPTION 'no'; EXCEPTION WHEN raise_exception THEN NULL; END $$;
ALTER TABLE rate ADD COLUMN w int;
DO $$ BEGIN RAISE EXCEPTION 'stop here'; END $$;
DO $$ BEGIN ALTER TABLE missing ADD COLUMN x int; EXCEPTION WHEN undefined_table THEN CREATE TABLE missing (x int); END $$;
ALTER TABLE missing ADD COLUMN y int;
DO $$ BEGIN CREATE TABLE rate (id int); EXCEPTION WHEN duplicate_table THEN RAISE NOTICE 'there'; END $$;
DO $$ BEGIN PERFORM 1 FROM rate WHERE v = 0; IF NOT FOUND THEN ALTER TABLE rate ALTER COLUMN v SET NOT NULL; END IF; END $$;
DROP TABLE rate_log;
