-- Purpose: the rows of schema_migrations of version 2, oldest first, as `history` tells them.
-- Privileges: SELECT on schema_migrations.
-- Versions: 13-18.
SELECT m.id, pg_catalog.to_char(m.installed_on AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at,
       m.version, coalesce(m.change_id, '') AS change_id,
       coalesce(pg_catalog.substring(m.description, '^[a-z]+(?: [a-z_, ]+)? ([0-9a-f]{8})(?:$|: )'), '') AS prefix,
       coalesce(m.operation, '') AS operation, coalesce(m.outcome, '') AS outcome, m.success, m.verified,
       coalesce(m.run_id, '') AS run_id, coalesce(m.environment, '') AS environment, m.installed_by,
       (extract(epoch FROM m.execution_time) * 1000)::float8 AS ms, coalesce(m.sqlstate, '') AS sqlstate,
       coalesce(m.message, '') AS message, coalesce(m.failed_at, '') AS failed_at,
       coalesce(m.description, '') AS description, coalesce(m.project, '') AS project, m.seq
  FROM ONLY :"schema".schema_migrations AS m
 WHERE (m.project IS NULL OR m.project = :'project') AND (:'since'::text IS NULL OR m.installed_on >= :'since'::timestamptz)
 ORDER BY m.id
