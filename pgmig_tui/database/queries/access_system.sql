-- Purpose: what has been granted on the server's own functions, views and tables since initdb.
-- Privileges: any role.
-- Versions: 13-18.
-- The columns are those of access_grants.sql, the kind is system. `grantee` "" is PUBLIC; what everybody may from the
--   beginning isn't told of one role, nor what superusers may.
WITH own AS (
SELECT p.oid, 'pg_catalog.pg_proc'::regclass AS classid, p.proacl AS acl, pg_catalog.acldefault('f', p.proowner) AS usual,
       p.proowner AS owner, 'FUNCTION ' AS clause,
       pg_catalog.format('pg_catalog.%I(%s)', p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid)) AS object
  FROM pg_catalog.pg_proc p
 WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proacl IS NOT NULL
 UNION ALL
SELECT c.oid, 'pg_catalog.pg_class'::regclass, c.relacl, pg_catalog.acldefault('r', c.relowner), c.relowner, 'TABLE ',
       pg_catalog.format('pg_catalog.%I', c.relname)
  FROM pg_catalog.pg_class c
 WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relacl IS NOT NULL AND c.relkind IN ('r', 'v')
)
SELECT 'system' AS kind, o.object, CASE WHEN a.grantee = 0 THEN '' ELSE pg_catalog.pg_get_userbyid(a.grantee)::text END,
       pg_catalog.string_agg(DISTINCT a.privilege_type, ', ' ORDER BY a.privilege_type), o.clause, NULL::text[]
  FROM own o
  LEFT JOIN pg_catalog.pg_init_privs i ON i.classoid = o.classid AND i.objoid = o.oid AND i.objsubid = 0,
       LATERAL pg_catalog.aclexplode(o.acl) a
 WHERE a.grantee <> o.owner
   AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_roles r WHERE r.oid = a.grantee AND r.rolsuper)
   AND NOT EXISTS (SELECT 1 FROM pg_catalog.aclexplode(coalesce(i.initprivs, o.usual)) b
                    WHERE b.privilege_type = a.privilege_type AND b.grantee IN (0, a.grantee))
 GROUP BY o.object, o.clause, a.grantee
