-- setup
CREATE SCHEMA app;
CREATE TABLE app.job (id serial PRIMARY KEY, queue text NOT NULL, state text NOT NULL DEFAULT 'ready', run_at timestamptz DEFAULT now(), err text);
CREATE TABLE app.job_done (LIKE app.job);
INSERT INTO app.job (queue) SELECT CASE g % 3 WHEN 0 THEN 'mail' WHEN 1 THEN 'pdf' ELSE 'sync' END FROM generate_series(1, 90) g;
CREATE FUNCTION app.take(q text) RETURNS SETOF app.job LANGUAGE sql AS $$
  UPDATE app.job SET state = 'running' WHERE id IN (SELECT id FROM app.job WHERE queue = q AND state = 'ready' ORDER BY id LIMIT 5 FOR UPDATE SKIP LOCKED) RETURNING *;
$$;
-- test

SELECT count(*) FROM app.take('mail');
CREATE PROCEDURE app.archive(older interval) LANGUAGE plpgsql AS $$
DECLARE n bigint;
BEGIN
  WITH d AS (DELETE FROM app.job WHERE state = 'running' RETURNING *) INSERT INTO app.job_done SELECT * FROM d;
  GET DIAGNOSTICS n = ROW_COUNT;
  COMMIT;
  RAISE DEBUG 'moved %', n;
END $$;
CALL app.archive('0s');
BEGIN;
-- fails: procedure does COMMIT, invalid transaction termination
CALL app.archive('0s');
ROLLBACK;
-- fails: body refers to a missing table, SQL functions are checked at creation
CREATE FUNCTION app.cnt() RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM app.jobs $$;
-- plpgsql is not checked: creates fine, fails at call
CREATE FUNCTION app.cnt2() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT count(*) FROM app.jobs); END $$;
-- fails: relation app.jobs does not exist, only now
SELECT app.cnt2();
SET check_function_bodies = off;
CREATE FUNCTION app.cnt() RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM app.jobs $$;
RESET check_function_bodies;
ALTER TABLE app.job RENAME TO jobs;
SELECT app.cnt(), app.cnt2();
-- fails: function body still says app.job
SELECT * FROM app.take('pdf');
CREATE FUNCTION app.fail_all(q text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE r record; n int := 0;
BEGIN
  FOR r IN SELECT id FROM app.jobs WHERE queue = q FOR UPDATE LOOP
    BEGIN
      UPDATE app.jobs SET state = 'failed', err = repeat('x', r.id) WHERE id = r.id;
      n := n + 1;
    EXCEPTION WHEN others THEN NULL;
    END;
  END LOOP;
  RETURN n;
END $$;
SELECT app.fail_all('pdf');
-- sql-standard body: tracked dependencies
CREATE FUNCTION app.ready() RETURNS bigint LANGUAGE sql STABLE BEGIN ATOMIC SELECT count(*) FROM app.jobs WHERE state = 'ready'; END;
-- fails: function app.ready depends on column state
ALTER TABLE app.jobs DROP COLUMN state;
ALTER TABLE app.jobs RENAME COLUMN state TO status;
SELECT app.ready();
-- fails: take() returns the row type, cannot drop
DROP TABLE app.jobs;
-- fails: cannot change return type of existing function
CREATE OR REPLACE FUNCTION app.cnt() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$;
DROP FUNCTION app.take(text);
CREATE OR REPLACE FUNCTION app.cleanup() RETURNS void LANGUAGE plpgsql AS $fn$
BEGIN
  EXECUTE 'TRUNCATE app.job_done';
  IF EXISTS (SELECT FROM app.jobs WHERE err IS NOT NULL) THEN DELETE FROM app.jobs WHERE err IS NOT NULL; END IF;
  EXECUTE format('ALTER TABLE %I.%I ADD COLUMN IF NOT EXISTS %I int', 'app', 'jobs', 'tries');
END $fn$;
SELECT app.cleanup();
DROP SCHEMA app CASCADE;
