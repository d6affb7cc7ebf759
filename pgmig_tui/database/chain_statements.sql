-- Purpose: the audit rows `s` of one migration, as they go into its hash.
-- Privileges: none of its own: an expression.
-- Versions: PostgreSQL 13-18.
pg_catalog.jsonb_agg((pg_catalog.to_jsonb(s) - '{id,migration_id,performed_at,started_at}'::pg_catalog.text[])
  || pg_catalog.jsonb_build_object(
       'performed_at', pg_catalog.to_char(s.performed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'),
       'started_at', pg_catalog.to_char(s.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'))
  ORDER BY s.position, s.id)
