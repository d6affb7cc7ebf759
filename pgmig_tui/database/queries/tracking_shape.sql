-- Purpose: are the tracking tables, their functions and the table of runs there, are they ours, and may this role
--   create, upgrade or fill them.
-- Privileges: any login role.
-- Versions: 13-18. Who owns functions that we call could put other code into them: that may a superuser, the owner of
--   the database or of Sqitch's registry, and whoever this role is or belongs to.
SELECT n.oid IS NOT NULL,
       coalesce(pg_catalog.has_schema_privilege(n.oid, 'USAGE'), false),
       coalesce(pg_catalog.has_schema_privilege(n.oid, 'CREATE'), false),
       pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'),
       ARRAY(SELECT c.relname || '.' || a.attname || ' ' || pg_catalog.format_type(a.atttypid, a.atttypmod)
               FROM pg_catalog.pg_class c
               JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
              WHERE c.relnamespace = n.oid
                AND c.relname IN ('schema_migrations', 'schema_audit', 'runs', 'evidence', 'tracking_head')
              ORDER BY c.relname, a.attnum),
       ARRAY(SELECT c.relname::text
               FROM pg_catalog.pg_class c
              WHERE c.relnamespace = n.oid
                AND c.relname IN ('schema_migrations', 'schema_audit', 'runs', 'evidence', 'tracking_head')
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
                   FROM pg_catalog.pg_class c WHERE c.relnamespace = n.oid AND c.relname = 'runs'), false),
       ARRAY(SELECT DISTINCT pg_catalog.pg_get_userbyid(c.relowner)::text
               FROM pg_catalog.pg_class c
              WHERE c.relnamespace = n.oid AND c.relname IN ('schema_migrations', 'schema_audit')
                AND NOT pg_catalog.pg_has_role(c.relowner, 'USAGE')),
       ARRAY(SELECT pg_catalog.concat_ws(' ', p.proname,
                      r.rolsuper OR r.oid = d.datdba OR r.rolname = current_user
                      OR NOT me.rolsuper AND pg_catalog.pg_has_role(r.oid, 'USAGE')
                      OR EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace s ON s.oid = c.relnamespace
                                  WHERE s.nspname = :'registry' AND c.relname = 'changes' AND c.relowner = r.oid),
                      pg_catalog.has_function_privilege(p.oid, 'EXECUTE'), r.rolname)
               FROM pg_catalog.pg_proc p
               JOIN pg_catalog.pg_roles r ON r.oid = p.proowner
               JOIN pg_catalog.pg_roles me ON me.rolname = current_user
               JOIN pg_catalog.pg_database d ON d.datname = pg_catalog.current_database()
              WHERE p.pronamespace = n.oid AND p.proname IN ('record_step', 'answer_step', 'record_evidence', 'tables_shape')
                AND pg_catalog.oidvectortypes(p.proargtypes) IN ('jsonb', 'jsonb, text[]', 'oid[]')
              ORDER BY p.proname)
  FROM (SELECT 1) AS one
  LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = :'schema'
