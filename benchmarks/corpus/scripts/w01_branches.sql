-- Whether a branch has run isn't known: what follows is right either way.
-- setup
CREATE TABLE a (id int);
CREATE TABLE b (id int);
CREATE TABLE c (id int, kept int);
INSERT INTO a VALUES (1);
-- test
DO $$ BEGIN IF (SELECT count(*) FROM a) > 5 THEN DROP TABLE a; END IF; END $$;
ALTER TABLE a ADD COLUMN x int;
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'b'::regclass AND attname = 'y') THEN
    ALTER TABLE b ADD COLUMN y int;
  ELSE
    ALTER TABLE b DROP COLUMN y;
  END IF;
END $$;
CREATE INDEX b_y ON b (y);
DO $$ BEGIN ALTER TABLE c RENAME TO c_old; EXCEPTION WHEN undefined_table THEN NULL; END $$;
ALTER TABLE c_old ADD COLUMN z int;
DO $$ BEGIN ALTER TABLE c_old ADD COLUMN kept int; EXCEPTION WHEN duplicate_column THEN RAISE NOTICE 'there'; END $$;
DO $$ BEGIN IF NOT EXISTS (SELECT FROM c_old) THEN RETURN; END IF; TRUNCATE c_old; END $$;
ALTER TABLE c_old DROP COLUMN kept;
