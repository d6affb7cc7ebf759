-- Purpose: the checkpoints of a statement, or of a run, newest first.
-- Privileges: SELECT on the table.
-- Versions: 13-18.
SELECT p.run_id, p.last_run, p.statement_hash, p.relation, p.last_key, p.until_key, p.rows_changed, p.rows_seen, p.batches,
       pg_catalog.to_char(p.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), p.finished_at IS NOT NULL
  FROM :"schema".backfill_progress p
 WHERE p.statement_hash = :'hash' OR p.run_id = :'run' OR p.last_run = :'run'
 ORDER BY p.started_at DESC
