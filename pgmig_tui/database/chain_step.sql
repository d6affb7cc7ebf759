-- Purpose: what the hash of a row `m` of schema_migrations is over, with the text `a` of its audit rows: all that they
--   say. How an array is written tells NULL from "NULL", and where each part ends; a column of a later version is added
--   where it isn't NULL alone, so that old hashes stay.
-- Privileges: none of its own: an expression.
-- Versions: PostgreSQL 13-18. Times as text in microseconds: nothing depends on a session's settings.
ARRAY[m.version, m.installed_by, m.description,
  pg_catalog.to_char(m.installed_on AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'), m.success::pg_catalog.text,
  ((extract(epoch FROM m.execution_time) * 1000000)::pg_catalog.int8)::pg_catalog.text, m.project, m.change_id,
  m.operation, m.outcome, m.verified::pg_catalog.text, m.run_id, m.environment, m.deploy_hash, m.revert_hash,
  m.verify_hash, m.semantic_hash, m.sqlstate, m.message, m.failed_at, m.schema_before, m.schema_after,
  m.rows::pg_catalog.text, pg_catalog.to_char(m.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'),
  m.session_role, m.operator, m.seq::pg_catalog.text, m.prev_hash, a]::pg_catalog.text
