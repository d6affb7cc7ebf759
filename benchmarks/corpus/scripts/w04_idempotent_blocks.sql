-- Each step asks first whether it has been done.
-- setup
CREATE TABLE bike (id int, wheels int);
CREATE TYPE brake AS ENUM ('rim');
-- test
DO $$ BEGIN CREATE TYPE brake AS ENUM ('rim', 'disc'); EXCEPTION WHEN duplicate_object THEN NULL; END $$;
DO $$ BEGIN ALTER TABLE bike ADD COLUMN brake brake; EXCEPTION WHEN duplicate_column THEN NULL; END $$;
DO $$ BEGIN ALTER TABLE bike ADD COLUMN brake brake; EXCEPTION WHEN duplicate_column THEN NULL; END $$;
DO $$ BEGIN
  IF NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = 'bike_wheels') THEN
    ALTER TABLE bike ADD CONSTRAINT bike_wheels CHECK (wheels > 0) NOT VALID;
  END IF;
END $$;
ALTER TABLE bike VALIDATE CONSTRAINT bike_wheels;
DO $$ BEGIN
  IF EXISTS (SELECT 1 FROM information_schema.tables WHERE table_name = 'car') THEN
    EXECUTE 'DROP TABLE car';
  END IF;
END $$;
CREATE TABLE IF NOT EXISTS bike (id int);
CREATE TABLE IF NOT EXISTS car (id int);
ALTER TABLE IF EXISTS boat ADD COLUMN x int;
ALTER TABLE IF EXISTS bike ADD COLUMN IF NOT EXISTS wheels int;
ALTER TABLE bike DROP COLUMN IF EXISTS wheels, DROP COLUMN IF EXISTS pedals;
DROP TABLE IF EXISTS boat, car;
CREATE INDEX IF NOT EXISTS bike_id ON bike (id);
CREATE INDEX IF NOT EXISTS bike_id ON bike (brake);
DROP TYPE IF EXISTS gear;
DROP TYPE brake;
