-- Purpose: what the hash of a row `e` of evidence is over.
-- Privileges: none of its own: an expression.
-- Versions: PostgreSQL 13-18.
ARRAY[e.run_id, e.item, e.state, e.summary, e.check_name, e.sql_hash, e.rows::pg_catalog.text,
  pg_catalog.to_char(e.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'),
  pg_catalog.to_char(e.finished_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'), e.role, e.answered_how, e.note,
  e.answered_by, e.program_version, pg_catalog.to_char(e.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'),
  e.recorded_by, e.seq::pg_catalog.text, e.prev_hash]::pg_catalog.text
