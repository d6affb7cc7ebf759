-- Purpose: can this role create the registry (or the tracking tables), and if not, what has to be granted.
-- Privileges: any login role.
-- Versions: 13-18. CREATE SCHEMA IF NOT EXISTS wants CREATE on the database even for a schema that exists, so the
--   caller leaves it out then.
SELECT n.oid IS NOT NULL,
       coalesce(pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_schema_privilege(n.oid, 'CREATE'), false),
       coalesce(pg_catalog.pg_has_role(n.nspowner, 'USAGE'), false),
       pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'),
       pg_catalog.current_database(), current_user::text
  FROM (SELECT 1) AS one
  LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = :'schema'
