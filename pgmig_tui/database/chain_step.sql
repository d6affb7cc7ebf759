-- Purpose: what the hash of a row `m` of schema_migrations is over, with its audit rows `a`: all that they say, by the
--   names of columns; what is NULL is left out, so that columns of a later version change no old hash.
-- Privileges: none of its own: an expression.
-- Versions: PostgreSQL 13-18. Times as text in microseconds: nothing depends on a session's settings.
pg_catalog.jsonb_strip_nulls((pg_catalog.to_jsonb(m) - '{id,hash,prev_hash,installed_on,execution_time,started_at}'::pg_catalog.text[])
  || pg_catalog.jsonb_build_object(
       'installed_on', pg_catalog.to_char(m.installed_on AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'),
       'started_at', pg_catalog.to_char(m.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'),
       'execution_time', (extract(epoch FROM m.execution_time) * 1000000)::pg_catalog.int8,
       'statements', a))
