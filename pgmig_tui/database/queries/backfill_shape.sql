-- Purpose: is the table of checkpoints there, is it ours, and may this role create or write it.
-- Privileges: any login role.
-- Versions: 13-18.
SELECT n.oid IS NOT NULL, c.oid IS NOT NULL,
       CASE WHEN n.oid IS NULL THEN pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')
            WHEN c.oid IS NULL THEN pg_catalog.has_schema_privilege(n.oid, 'USAGE')
                                AND pg_catalog.has_schema_privilege(n.oid, 'CREATE')
            ELSE pg_catalog.has_schema_privilege(n.oid, 'USAGE')
                 AND pg_catalog.has_table_privilege(c.oid, 'SELECT') AND pg_catalog.has_table_privilege(c.oid, 'INSERT')
                 AND pg_catalog.has_table_privilege(c.oid, 'UPDATE') END,
       ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
              WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum),
       current_user::text, pg_catalog.current_database()::text
  FROM (SELECT 1) AS one
  LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = :'schema'
  LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = 'backfill_progress'
