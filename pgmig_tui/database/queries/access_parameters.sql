-- Purpose: which parameters others than superusers may set, or change for the whole server.
-- Privileges: any role.
-- Versions: 15-18.
-- The columns are those of access_grants.sql; the kind is parameter.
SELECT 'parameter' AS kind, p.parname AS object,
       CASE WHEN a.grantee = 0 THEN '' ELSE pg_catalog.pg_get_userbyid(a.grantee)::text END,
       pg_catalog.string_agg(DISTINCT a.privilege_type, ', ' ORDER BY a.privilege_type), 'PARAMETER ', NULL::text[]
  FROM pg_catalog.pg_parameter_acl p, LATERAL pg_catalog.aclexplode(p.paracl) a
 WHERE NOT EXISTS (SELECT 1 FROM pg_catalog.pg_roles r WHERE r.oid = a.grantee AND r.rolsuper)
 GROUP BY p.parname, a.grantee
