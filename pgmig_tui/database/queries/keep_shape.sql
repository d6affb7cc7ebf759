-- Purpose: may rows be kept in this schema: is it there, is its catalogue ours, may this role make it and write in it,
--   and would a publication send the kept rows away.
-- Privileges: any login role.
-- Versions: 13-18.
SELECT n.oid IS NOT NULL,
       coalesce(pg_catalog.has_schema_privilege(n.oid, 'CREATE') AND pg_catalog.has_schema_privilege(n.oid, 'USAGE'), false),
       pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'),
       c.oid IS NOT NULL,
       coalesce(pg_catalog.has_table_privilege(c.oid, 'SELECT, INSERT'), false),
       coalesce(pg_catalog.obj_description(c.oid, 'pg_class') LIKE 'pgmig-tui: %', false),
       ARRAY(SELECT p.pubname::text FROM pg_catalog.pg_publication p
              WHERE p.puballtables ORDER BY p.pubname),
       current_user::text, pg_catalog.current_database()
  FROM (SELECT 1) AS one
  LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = :'schema'
  LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = 'kept'
