-- Purpose: what of a run can be read here: the table of runs with its columns, the registry, others' sessions.
-- Privileges: any login role; catalogs only.
-- Versions: 13-18.
SELECT (SELECT pg_catalog.string_agg(a.attname || ' ' || pg_catalog.format_type(a.atttypid, a.atttypmod), ','
                                     ORDER BY a.attnum)
          FROM pg_catalog.pg_attribute a WHERE a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped),
       coalesce(pg_catalog.has_schema_privilege(r.relnamespace, 'USAGE')
                AND pg_catalog.has_table_privilege(r.oid, 'SELECT'), false),
       e.oid IS NOT NULL,
       coalesce(pg_catalog.has_schema_privilege(e.relnamespace, 'USAGE')
                AND pg_catalog.has_table_privilege(e.oid, 'SELECT')
                AND pg_catalog.has_table_privilege(c.oid, 'SELECT'), false),
       current_user::text
  FROM (SELECT 1) AS one
  LEFT JOIN pg_catalog.pg_namespace s ON s.nspname = :'runs'
  LEFT JOIN pg_catalog.pg_class r ON r.relnamespace = s.oid AND r.relname = 'runs' AND r.relkind = 'r'
  LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = :'registry'
  LEFT JOIN pg_catalog.pg_class e ON e.relnamespace = n.oid AND e.relname = 'events' AND e.relkind IN ('r', 'p')
  LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = 'changes' AND c.relkind IN ('r', 'p')
