-- Purpose: how many rows the record has, how old they are, and how many are older than they have to be kept.
-- Privileges: SELECT on schema_migrations, schema_audit and evidence.
-- Versions: 13-18. Times are UTC.
-- Parameters: schema, and keep_s, for how long rows are kept, in seconds. Whole days (UTC) only, as they are trimmed.
SELECT m.rows, a.rows, e.rows, m.old, a.old, e.old, m.oldest, m.oldest_s, m.before
  FROM (SELECT pg_catalog.count(*) AS rows,
               pg_catalog.count(*) FILTER (WHERE s.installed_on < pg_catalog.date_trunc('day', pg_catalog.now() - :'keep_s'::float8 * interval '1 s')) AS old,
               pg_catalog.to_char(pg_catalog.min(s.installed_on) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS oldest,
               extract(epoch FROM pg_catalog.now() - pg_catalog.min(s.installed_on))::float8 AS oldest_s,
               pg_catalog.to_char(pg_catalog.date_trunc('day', pg_catalog.now() - :'keep_s'::float8 * interval '1 s') AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS before
          FROM ONLY :"schema".schema_migrations s) AS m,
       (SELECT pg_catalog.count(*) AS rows,
               pg_catalog.count(*) FILTER (WHERE s.performed_at < pg_catalog.date_trunc('day', pg_catalog.now() - :'keep_s'::float8 * interval '1 s')) AS old
          FROM ONLY :"schema".schema_audit s) AS a,
       (SELECT pg_catalog.count(*) AS rows,
               pg_catalog.count(*) FILTER (WHERE s.recorded_at < pg_catalog.date_trunc('day', pg_catalog.now() - :'keep_s'::float8 * interval '1 s')) AS old
          FROM ONLY :"schema".evidence s) AS e
