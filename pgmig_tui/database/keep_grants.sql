-- Purpose: who may do what with one table (:'table', a regclass) beside its owner, as JSON; of columns, too.
-- Privileges: any.
-- Versions: 13-18.
SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
         'role', CASE WHEN g.grantee = 0 THEN NULL ELSE pg_catalog.pg_get_userbyid(g.grantee) END,
         'privilege', g.privilege_type, 'grantable', g.is_grantable, 'column', g.attname)
         ORDER BY g.attname, g.grantee, g.privilege_type), '[]')
  FROM (SELECT x.grantee, x.privilege_type, x.is_grantable, NULL::text AS attname, c.relowner
          FROM pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) x WHERE c.oid = :'table'::pg_catalog.regclass
        UNION ALL
        SELECT x.grantee, x.privilege_type, x.is_grantable, a.attname::text, c.relowner
          FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid, pg_catalog.aclexplode(a.attacl) x
         WHERE c.oid = :'table'::pg_catalog.regclass) g
 WHERE g.grantee <> g.relowner
