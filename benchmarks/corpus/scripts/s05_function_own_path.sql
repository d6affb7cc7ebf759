-- A function's SET search_path counts inside it alone; one without leaves what it has set.
-- setup
CREATE SCHEMA arc;
CREATE TABLE arc.entry (id int);
CREATE TABLE public.entry (id int);
CREATE FUNCTION lock_own() RETURNS void LANGUAGE plpgsql SET search_path = arc AS
  $$ BEGIN LOCK TABLE entry IN SHARE MODE; END $$;
CREATE FUNCTION leave_behind() RETURNS void LANGUAGE plpgsql AS
  $$ BEGIN PERFORM set_config('search_path', 'arc', true); LOCK TABLE entry IN SHARE ROW EXCLUSIVE MODE; END $$;
-- test
SELECT lock_own();
ALTER TABLE entry ADD COLUMN a int;
BEGIN;
SELECT leave_behind();
ALTER TABLE entry ADD COLUMN b int;
COMMIT;
ALTER TABLE entry ADD COLUMN c int;
CREATE OR REPLACE FUNCTION lock_own() RETURNS void LANGUAGE plpgsql AS
  $$ BEGIN LOCK TABLE entry IN SHARE MODE; END $$;
SELECT lock_own();
ALTER FUNCTION lock_own() SET search_path = arc;
SELECT lock_own();
