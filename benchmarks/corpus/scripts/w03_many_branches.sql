-- Ten idempotent steps in a row: each leaves two ways, and what comes after is still told.
-- setup
CREATE TABLE wide (id int);
-- test
DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_attribute WHERE attname = 'a1') THEN ALTER TABLE wide ADD COLUMN a1 int; END IF; END $$;
DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_attribute WHERE attname = 'a2') THEN ALTER TABLE wide ADD COLUMN a2 int; END IF; END $$;
DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_attribute WHERE attname = 'a3') THEN ALTER TABLE wide ADD COLUMN a3 int; END IF; END $$;
DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_attribute WHERE attname = 'a4') THEN ALTER TABLE wide ADD COLUMN a4 int; END IF; END $$;
DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_attribute WHERE attname = 'a5') THEN ALTER TABLE wide ADD COLUMN a5 int; END IF; END $$;
DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_class WHERE relname = 'n1') THEN CREATE TABLE n1 (id int); END IF; END $$;
DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_class WHERE relname = 'n2') THEN CREATE TABLE n2 (id int); END IF; END $$;
DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_class WHERE relname = 'n3') THEN CREATE TABLE n3 (id int); END IF; END $$;
DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_class WHERE relname = 'n4') THEN CREATE TABLE n4 (id int); END IF; END $$;
ALTER TABLE wide ALTER COLUMN a3 SET NOT NULL;
CREATE INDEX wide_a5 ON wide (a5);
ALTER TABLE n2 ADD COLUMN x int;
