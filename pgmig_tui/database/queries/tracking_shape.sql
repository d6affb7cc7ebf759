-- Purpose: are the tracking tables and the table of runs there, are they ours, and may this role create or fill them.
-- Privileges: any login role.
-- Versions: 13-18.
SELECT n.oid IS NOT NULL,
       coalesce(pg_catalog.has_schema_privilege(n.oid, 'USAGE'), false),
       coalesce(pg_catalog.has_schema_privilege(n.oid, 'CREATE'), false),
       pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'),
       ARRAY(SELECT c.relname || '.' || a.attname || ' ' || pg_catalog.format_type(a.atttypid, a.atttypmod)
               FROM pg_catalog.pg_class c
               JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
              WHERE c.relnamespace = n.oid AND c.relname IN ('schema_migrations', 'schema_audit', 'runs')
              ORDER BY c.relname, a.attnum),
       ARRAY(SELECT c.relname::text
               FROM pg_catalog.pg_class c
              WHERE c.relnamespace = n.oid AND c.relname IN ('schema_migrations', 'schema_audit', 'runs')
              ORDER BY c.relname),
       coalesce((SELECT pg_catalog.bool_and(pg_catalog.has_table_privilege(c.oid, 'INSERT')
                                            AND pg_catalog.has_column_privilege(c.oid, 'id', 'SELECT'))
                   FROM pg_catalog.pg_class c
                   JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = 'id' AND NOT a.attisdropped
                  WHERE c.relnamespace = n.oid AND c.relname IN ('schema_migrations', 'schema_audit')), false),
       current_user::text, pg_catalog.current_database(),
       EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.relnamespace = n.oid AND c.relname = 'do_not_deploy'),
       coalesce((SELECT pg_catalog.has_table_privilege(c.oid, 'SELECT')
                        AND pg_catalog.has_table_privilege(c.oid, 'INSERT')
                        AND pg_catalog.has_table_privilege(c.oid, 'UPDATE')
                   FROM pg_catalog.pg_class c WHERE c.relnamespace = n.oid AND c.relname = 'runs'), false)
  FROM (SELECT 1) AS one
  LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = :'schema'
