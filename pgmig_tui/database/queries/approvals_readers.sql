-- Purpose: the GRANTs by which approvers read what an approval is made from: Sqitch's registry, the migrations, the runs and
--   the marks, as far as they are there, this role may grant it, and it isn't granted yet. Approvers are the roles `:roles`
--   or, where that is NULL, whoever was granted to read and to write the table of approvals.
-- Privileges: any login role.
-- Versions: 13-18.
WITH approvers AS (
       SELECT r.oid, r.rolname FROM pg_catalog.pg_roles r WHERE r.rolname::text OPERATOR(pg_catalog.=) ANY (:roles)
       UNION
       SELECT r.oid, r.rolname
         FROM pg_catalog.pg_class c
         JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
        CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) AS x
         JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) x.grantee
        WHERE :roles IS NULL AND n.nspname OPERATOR(pg_catalog.=) :'schema' AND c.relname OPERATOR(pg_catalog.=) 'approvals'
          AND x.privilege_type OPERATOR(pg_catalog.=) 'SELECT' AND x.grantee OPERATOR(pg_catalog.<>) c.relowner
          AND pg_catalog.has_any_column_privilege(r.oid, c.oid, 'INSERT')),
     tables AS (
       SELECT n.oid AS namespace, n.nspname, n.nspowner, c.oid, c.relname
         FROM pg_catalog.pg_class c
         JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
        WHERE c.relkind OPERATOR(pg_catalog.=) 'r' AND pg_catalog.pg_has_role(c.relowner, 'USAGE')
          AND (n.nspname OPERATOR(pg_catalog.=) :'registry'
               AND c.relname OPERATOR(pg_catalog.=) ANY ('{projects,releases,changes,tags,dependencies,events}'::pg_catalog.name[])
               OR n.nspname OPERATOR(pg_catalog.=) :'schema'
               AND c.relname OPERATOR(pg_catalog.=) ANY ('{schema_migrations,runs,do_not_deploy}'::pg_catalog.name[])))
SELECT pg_catalog.format('GRANT USAGE ON SCHEMA %I TO %I', s.nspname, a.rolname)
  FROM (SELECT DISTINCT t.namespace, t.nspname, t.nspowner FROM tables AS t) AS s CROSS JOIN approvers AS a
 WHERE pg_catalog.pg_has_role(s.nspowner, 'USAGE') AND NOT pg_catalog.has_schema_privilege(a.oid, s.namespace, 'USAGE')
UNION ALL
SELECT pg_catalog.format('GRANT SELECT ON %I.%I TO %I', t.nspname, t.relname, a.rolname)
  FROM tables AS t CROSS JOIN approvers AS a
 WHERE NOT pg_catalog.has_table_privilege(a.oid, t.oid, 'SELECT')
 ORDER BY 1
