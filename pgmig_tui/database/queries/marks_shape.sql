-- Purpose: can changes be marked as not to be deployed in this schema.
-- Privileges: any login role.
-- Versions: 13-18.
SELECT n.oid IS NOT NULL,
       coalesce(pg_catalog.has_schema_privilege(n.oid, 'CREATE'), pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')),
       c.oid IS NOT NULL,
       coalesce(pg_catalog.has_table_privilege(c.oid, 'SELECT, INSERT'), false)
  FROM (SELECT 1) AS one
  LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = :'schema'
  LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = 'do_not_deploy' AND c.relkind = 'r'
