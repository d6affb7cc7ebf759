-- Concurrent builds outside of transactions, refused within; one that is left invalid and taken again.
-- setup
CREATE TABLE job (id int PRIMARY KEY, state text, due date, twin int);
INSERT INTO job SELECT g, 's', now(), 1 FROM generate_series(1, 20) g;
-- test
CREATE INDEX CONCURRENTLY job_state ON job (state);
CREATE UNIQUE INDEX CONCURRENTLY job_twin ON job (twin);
DROP INDEX CONCURRENTLY IF EXISTS job_twin;
CREATE INDEX CONCURRENTLY IF NOT EXISTS job_state ON job (state);
BEGIN;
CREATE INDEX CONCURRENTLY job_due ON job (due);
ROLLBACK;
CREATE INDEX CONCURRENTLY job_due ON job (due) WHERE state = 'open';
REINDEX INDEX CONCURRENTLY job_due;
REINDEX TABLE CONCURRENTLY job;
ALTER INDEX job_due RENAME TO job_due_open;
DROP INDEX CONCURRENTLY job_due;
DROP INDEX CONCURRENTLY job_due_open, job_state;
DROP INDEX CONCURRENTLY job_state;
