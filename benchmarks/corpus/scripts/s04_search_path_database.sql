-- The database's own path, and one that only the next session begins with.
-- setup
CREATE SCHEMA crm;
CREATE TABLE crm.lead (id int);
CREATE TABLE public.lead (id int);
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = crm, public', current_database()); END $$;
-- test
ALTER TABLE lead ADD COLUMN a int;
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET search_path', current_database()); END $$;
ALTER TABLE lead ADD COLUMN b int;
TRUNCATE lead;
