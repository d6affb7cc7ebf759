-- Purpose: what the hash of a row `e` of evidence is over.
-- Privileges: none of its own: an expression.
-- Versions: PostgreSQL 13-18.
pg_catalog.jsonb_strip_nulls((pg_catalog.to_jsonb(e) - '{id,hash,prev_hash,rows,started_at,finished_at,recorded_at}'::pg_catalog.text[])
  || pg_catalog.jsonb_build_object(
       'rows', e.rows::pg_catalog.text,
       'started_at', pg_catalog.to_char(e.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'),
       'finished_at', pg_catalog.to_char(e.finished_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'),
       'recorded_at', pg_catalog.to_char(e.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')))
