-- A queue table with SKIP LOCKED workers gets priorities, a dead letter table and partial indexes.
-- setup
CREATE TABLE jobs (id bigserial PRIMARY KEY, queue text NOT NULL DEFAULT 'default', args jsonb, status text NOT NULL DEFAULT 'ready', run_at timestamptz DEFAULT now(), attempts int DEFAULT 0, locked_by text);
CREATE INDEX jobs_status ON jobs (status);
INSERT INTO jobs (queue, args, status, attempts) SELECT CASE WHEN g % 4 = 0 THEN 'mail' ELSE 'default' END, '{}', CASE WHEN g % 9 = 0 THEN 'failed' ELSE 'ready' END, g % 30 FROM generate_series(1, 200) g;
-- test
SET lock_timeout = '2s';
SET statement_timeout = '1min';
ALTER TABLE jobs ADD COLUMN priority smallint NOT NULL DEFAULT 100;
ALTER TABLE jobs ADD COLUMN uid uuid NOT NULL DEFAULT gen_random_uuid();
CREATE TABLE jobs_dead (LIKE jobs INCLUDING ALL EXCLUDING INDEXES, died_at timestamptz DEFAULT now());
WITH dead AS (DELETE FROM jobs WHERE attempts > 25 RETURNING *)
INSERT INTO jobs_dead SELECT * FROM dead;
CREATE INDEX CONCURRENTLY jobs_ready ON jobs (queue, priority, run_at) WHERE status = 'ready';
DROP INDEX CONCURRENTLY jobs_status;
ALTER TABLE jobs SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01);
BEGIN;
SELECT id FROM jobs WHERE status = 'ready' AND queue = 'mail' ORDER BY priority, run_at LIMIT 5 FOR UPDATE SKIP LOCKED;
UPDATE jobs SET status = 'running', locked_by = 'migration' WHERE id IN (SELECT id FROM jobs WHERE status = 'ready' ORDER BY run_at LIMIT 3 FOR NO KEY UPDATE SKIP LOCKED) RETURNING id;
SAVEPOINT s;
VACUUM jobs;
ROLLBACK TO s;
COMMIT;
VACUUM (ANALYZE) jobs;
VACUUM FULL jobs_dead;
CREATE FUNCTION job_wake() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_notify('jobs', NEW.queue); RETURN NEW; END $$;
CREATE TRIGGER job_wake AFTER INSERT ON jobs FOR EACH ROW EXECUTE PROCEDURE job_wake();
INSERT INTO jobs (queue) VALUES ('mail'), ('pdf');
ALTER TABLE jobs ADD CONSTRAINT jobs_status_known CHECK (status IN ('ready', 'running', 'done'));
UPDATE jobs SET status = 'ready', attempts = 0 WHERE status = 'failed';
ALTER TABLE jobs ADD CONSTRAINT jobs_status_known CHECK (status IN ('ready', 'running', 'done'));
ALTER TABLE jobs ADD CONSTRAINT only_running_locked CHECK (locked_by IS NULL OR status = 'running') NOT VALID;
ALTER TABLE jobs ALTER COLUMN args SET STORAGE EXTERNAL, ALTER COLUMN args SET COMPRESSION pglz;
ALTER TABLE jobs ALTER COLUMN attempts SET STATISTICS 500;
ALTER TABLE jobs SET UNLOGGED;
ALTER TABLE jobs SET LOGGED;
DROP TABLE jobs_dead;
ALTER TABLE jobs_dead RENAME TO jobs_dead_old;
ALTER TABLE IF EXISTS jobs_dead RENAME TO jobs_dead_old;
REINDEX TABLE CONCURRENTLY jobs;
RESET lock_timeout;
