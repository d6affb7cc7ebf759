-- Purpose: data migrations in batches that have begun and not ended.
-- Privileges: SELECT on the table of checkpoints.
-- Versions: 13-18. Times are UTC.
SELECT b.run_id, b.relation, b.rows_seen, b.started_by,
       pg_catalog.to_char(b.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
       extract(epoch FROM pg_catalog.clock_timestamp() - b.updated_at)::float8
  FROM ONLY :"schema".backfill_progress b
 WHERE b.finished_at IS NULL
 ORDER BY b.started_at
