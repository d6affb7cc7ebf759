-- Purpose: the audit rows `s` of one migration, as they go into its hash.
-- Privileges: none of its own: an aggregate.
-- Versions: PostgreSQL 13-18.
pg_catalog.string_agg(ARRAY[s.operation_type, s.object_type, s.object_name, s.description,
  pg_catalog.to_char(s.performed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'), s.performed_by, s.sql_statement,
  s.run_id, s."position"::pg_catalog.text, s.file, s.line::pg_catalog.text,
  pg_catalog.to_char(s.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'), s.ms::pg_catalog.text,
  s.rows::pg_catalog.text, s.sqlstate, s.objects::pg_catalog.text]::pg_catalog.text, '' ORDER BY s."position", s.id)
