-- Purpose: what everybody may do here (grants to PUBLIC), and what will be granted on objects to come.
-- Privileges: any role.
-- Versions: 13-18. Members of extensions are left out: their own scripts grant.
-- Kinds: schema, table, columns, function (SECURITY DEFINER), database, default. `object` is quoted and qualified; of
--   default privileges it is "role[ in schema]: objects", and `grantee` who gets them, "" for PUBLIC.
--   `grantors`, of tables: NULL for the owner, and others by their names.
WITH mine AS (
SELECT d.classid, d.objid FROM pg_catalog.pg_depend d WHERE d.deptype = 'e'
)
SELECT 'schema' AS kind, pg_catalog.format('%I', n.nspname) AS object, '' AS grantee,
       pg_catalog.string_agg(DISTINCT a.privilege_type, ', ' ORDER BY a.privilege_type) AS what, '' AS clause,
       NULL::text[] AS grantors
  FROM pg_catalog.pg_namespace n, LATERAL pg_catalog.aclexplode(n.nspacl) a
 WHERE a.grantee = 0 AND a.privilege_type = 'CREATE' AND n.nspname NOT LIKE 'pg\_%'
   AND n.nspname <> 'information_schema'
 GROUP BY n.nspname
 UNION ALL
SELECT 'database', pg_catalog.format('%I', d.datname), '', a.privilege_type, '', NULL
  FROM pg_catalog.pg_database d, LATERAL pg_catalog.aclexplode(d.datacl) a
 WHERE d.datname = pg_catalog.current_database() AND a.grantee = 0 AND a.privilege_type = 'CREATE'
 UNION ALL
SELECT 'table', pg_catalog.format('%I.%I', n.nspname, c.relname), '',
       pg_catalog.string_agg(DISTINCT a.privilege_type, ', ' ORDER BY a.privilege_type),
       CASE c.relkind WHEN 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END,
       pg_catalog.array_agg(DISTINCT CASE WHEN a.grantor <> c.relowner
                                          THEN pg_catalog.pg_get_userbyid(a.grantor)::text END)
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace, LATERAL pg_catalog.aclexplode(c.relacl) a
 WHERE a.grantee = 0 AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\_%'
   AND NOT EXISTS (SELECT 1 FROM mine m WHERE m.classid = 'pg_catalog.pg_class'::regclass AND m.objid = c.oid)
 GROUP BY n.nspname, c.relname, c.relkind
 UNION ALL
SELECT 'columns', pg_catalog.format('%I.%I', n.nspname, c.relname), '',
       pg_catalog.string_agg(pg_catalog.format('%s (%I)', p.privilege_type, a.attname), ', '
                             ORDER BY p.privilege_type, a.attnum), 'TABLE ', NULL
  FROM pg_catalog.pg_attribute a
  JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace, LATERAL pg_catalog.aclexplode(a.attacl) p
 WHERE a.attacl IS NOT NULL AND NOT a.attisdropped AND p.grantee = 0 AND n.nspname <> 'information_schema'
   AND n.nspname NOT LIKE 'pg\_%'
   AND NOT EXISTS (SELECT 1 FROM mine m WHERE m.classid = 'pg_catalog.pg_class'::regclass AND m.objid = c.oid)
 GROUP BY n.nspname, c.relname
 UNION ALL
SELECT 'function', pg_catalog.format('%I.%I(%s)', n.nspname, p.proname,
                                     pg_catalog.pg_get_function_identity_arguments(p.oid)), '', 'EXECUTE',
       CASE p.prokind WHEN 'p' THEN 'PROCEDURE ' ELSE 'FUNCTION ' END, NULL
  FROM pg_catalog.pg_proc p
  JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
 WHERE p.prosecdef AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\_%'
   AND p.prorettype NOT IN ('pg_catalog.trigger'::regtype, 'pg_catalog.event_trigger'::regtype)
   AND (p.proacl IS NULL OR EXISTS (SELECT 1 FROM pg_catalog.aclexplode(p.proacl) a WHERE a.grantee = 0))
 UNION ALL
SELECT 'default',
       pg_catalog.concat(pg_catalog.format('%I', pg_catalog.pg_get_userbyid(d.defaclrole)),
                         CASE WHEN n.nspname IS NOT NULL THEN pg_catalog.format(' in %I', n.nspname) END, ': ',
                         CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS'
                              WHEN 'T' THEN 'TYPES' WHEN 'n' THEN 'SCHEMAS' ELSE 'LARGE OBJECTS' END),
       CASE WHEN a.grantee = 0 THEN '' ELSE pg_catalog.pg_get_userbyid(a.grantee)::text END,
       pg_catalog.string_agg(a.privilege_type, ', ' ORDER BY a.privilege_type),
       pg_catalog.concat('FOR ROLE ', pg_catalog.format('%I', pg_catalog.pg_get_userbyid(d.defaclrole)),
                         CASE WHEN n.nspname IS NOT NULL THEN pg_catalog.format(' IN SCHEMA %I', n.nspname) END), NULL
  FROM pg_catalog.pg_default_acl d
  LEFT JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace, LATERAL pg_catalog.aclexplode(d.defaclacl) a
 WHERE a.grantee <> d.defaclrole
   AND NOT (d.defaclnamespace = 0
            AND EXISTS (SELECT 1
                          FROM pg_catalog.aclexplode(pg_catalog.acldefault(
                                   CASE d.defaclobjtype WHEN 'S' THEN 's'::"char" ELSE d.defaclobjtype END,
                                   d.defaclrole)) b
                         WHERE b.grantee = a.grantee AND b.privilege_type = a.privilege_type))
 GROUP BY d.oid, d.defaclrole, d.defaclobjtype, n.nspname, a.grantee
 ORDER BY 1, 2, 3
