-- IF EXISTS everywhere, in SQL and in PL/pgSQL, on things that are and aren't.
-- setup
CREATE TABLE yes_t (id int, a int); CREATE INDEX yes_i ON yes_t (a);
-- test
DROP INDEX IF EXISTS no_i;
DO $$ BEGIN IF EXISTS (SELECT FROM pg_indexes WHERE indexname = 'yes_i') THEN DROP INDEX yes_i; END IF; END $$;
CREATE INDEX IF NOT EXISTS yes_i ON yes_t (a);
DO $$ BEGIN ALTER TABLE no_t ADD COLUMN x int; EXCEPTION WHEN undefined_table THEN RAISE NOTICE 'no table'; END $$;
DO $$ BEGIN CREATE INDEX yes_i ON yes_t (id); EXCEPTION WHEN duplicate_table THEN NULL; END $$;
DO $$ BEGIN ALTER TABLE yes_t ADD CONSTRAINT c1 CHECK (a > 0); EXCEPTION WHEN duplicate_object THEN NULL; END $$;
DO $$ BEGIN ALTER TABLE yes_t ADD CONSTRAINT c1 CHECK (a > 0); EXCEPTION WHEN duplicate_object THEN NULL; END $$;
DO $$ BEGIN ALTER TABLE yes_t DROP CONSTRAINT c2; EXCEPTION WHEN undefined_object THEN NULL; END $$;
ALTER TABLE yes_t DROP CONSTRAINT IF EXISTS c1;
ALTER TABLE yes_t DROP CONSTRAINT IF EXISTS c1;
