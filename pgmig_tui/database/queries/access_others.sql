-- Purpose: other ways around privileges: languages that may do anything, views that read past row security, user
--   mappings; and what of the rest this role may read.
-- Privileges: any role.
-- Versions: 13-18; security_invoker is there from 15 on.
-- Kinds: language, view (`extra`: the table, `flag`: its owner isn't bound by the policies), copy (a materialized view
--   that others may read; `extra` as before), partition (of a table with row security, `extra`, which others may read
--   by itself, or write, and which has none), policies (that have no effect), mapping, may (passwords, rules of
--   pg_hba.conf).
SELECT 'language' AS kind, pg_catalog.format('%I', l.lanname) AS object,
       (SELECT pg_catalog.count(*) FROM pg_catalog.pg_proc p WHERE p.prolang = l.oid)::text AS extra, false AS flag
  FROM pg_catalog.pg_language l
 WHERE l.lanispl AND NOT l.lanpltrusted
 UNION ALL
SELECT DISTINCT 'view', pg_catalog.format('%I.%I', vn.nspname, v.relname),
       pg_catalog.format('%I.%I', tn.nspname, t.relname),
       o.rolsuper OR o.rolbypassrls OR (v.relowner = t.relowner AND NOT t.relforcerowsecurity)
  FROM pg_catalog.pg_class t
  JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
  JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = t.oid
   AND d.classid = 'pg_catalog.pg_rewrite'::regclass
  JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid
  JOIN pg_catalog.pg_class v ON v.oid = r.ev_class AND v.relkind = 'v' AND v.oid <> t.oid
  JOIN pg_catalog.pg_namespace vn ON vn.oid = v.relnamespace
  JOIN pg_catalog.pg_roles o ON o.oid = v.relowner
 WHERE t.relrowsecurity
   AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_options_to_table(v.reloptions) w
                    WHERE w.option_name = 'security_invoker' AND w.option_value::bool)
   AND ((o.rolsuper OR o.rolbypassrls OR (v.relowner = t.relowner AND NOT t.relforcerowsecurity))
        OR NOT EXISTS (SELECT 1 FROM pg_catalog.pg_options_to_table(v.reloptions) w
                        WHERE w.option_name = 'security_barrier' AND w.option_value::bool))
 UNION ALL
SELECT DISTINCT 'copy', pg_catalog.format('%I.%I', vn.nspname, v.relname),
       pg_catalog.format('%I.%I', tn.nspname, t.relname), true
  FROM pg_catalog.pg_class t
  JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
  JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = t.oid
   AND d.classid = 'pg_catalog.pg_rewrite'::regclass
  JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid
  JOIN pg_catalog.pg_class v ON v.oid = r.ev_class AND v.relkind = 'm'
  JOIN pg_catalog.pg_namespace vn ON vn.oid = v.relnamespace
 WHERE t.relrowsecurity
   AND EXISTS (SELECT 1 FROM pg_catalog.aclexplode(v.relacl) a
                WHERE a.privilege_type = 'SELECT' AND a.grantee <> v.relowner)
 UNION ALL
SELECT DISTINCT 'partition', pg_catalog.format('%I.%I', cn.nspname, c.relname),
       pg_catalog.format('%I.%I', tn.nspname, t.relname), true
  FROM pg_catalog.pg_class t
  JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
  JOIN pg_catalog.pg_inherits i ON i.inhparent = t.oid
  JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
  JOIN pg_catalog.pg_namespace cn ON cn.oid = c.relnamespace
 WHERE t.relrowsecurity AND NOT c.relrowsecurity
   AND EXISTS (SELECT 1 FROM pg_catalog.aclexplode(c.relacl) a
                WHERE a.grantee <> c.relowner AND a.privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE'))
 UNION ALL
SELECT 'policies', pg_catalog.format('%I.%I', n.nspname, c.relname),
       (SELECT pg_catalog.count(*) FROM pg_catalog.pg_policy p WHERE p.polrelid = c.oid)::text, false
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE NOT c.relrowsecurity AND EXISTS (SELECT 1 FROM pg_catalog.pg_policy p WHERE p.polrelid = c.oid)
 UNION ALL
SELECT 'mapping', pg_catalog.format('%s on %I', CASE WHEN u.umuser = 0 THEN 'PUBLIC'
                                                     ELSE pg_catalog.format('%I', u.usename) END, u.srvname), '',
       u.umuser = 0
  FROM pg_catalog.pg_user_mappings u
 UNION ALL
SELECT 'may', 'passwords', '', pg_catalog.has_table_privilege('pg_catalog.pg_authid', 'SELECT')
 UNION ALL
SELECT 'may', 'hba', '', pg_catalog.has_table_privilege('pg_catalog.pg_hba_file_rules', 'SELECT')
                         AND pg_catalog.has_function_privilege('pg_catalog.pg_hba_file_rules()', 'EXECUTE')
 ORDER BY 1, 2, 3
