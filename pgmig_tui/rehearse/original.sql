-- What a dump of one database leaves out but its scripts may need: roles, memberships, tablespaces, settings, the
-- database's own owner and privileges, extensions and their types. One row, one JSON document.
-- Privileges: none beyond CONNECT. Versions: 13 to 18.
SELECT pg_catalog.json_build_object(
  'encoding', pg_catalog.pg_encoding_to_char(d.encoding),
  'owner', pg_catalog.pg_get_userbyid(d.datdba),
  'role', session_user,
  'privileges', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
        CASE WHEN a.grantee = 0 THEN NULL ELSE pg_catalog.pg_get_userbyid(a.grantee) END, a.privilege_type))
      FROM pg_catalog.aclexplode(d.datacl) a),
  'roles', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
        'name', r.rolname, 'super', r.rolsuper, 'createrole', r.rolcreaterole, 'createdb', r.rolcreatedb,
        'inherit', r.rolinherit, 'bypassrls', r.rolbypassrls, 'replication', r.rolreplication,
        'needed', EXISTS (SELECT FROM pg_catalog.pg_shdepend s WHERE s.refclassid = 'pg_catalog.pg_authid'::regclass
                          AND s.refobjid = r.oid AND s.dbid IN (0, d.oid))))
      FROM pg_catalog.pg_roles r WHERE r.rolname !~ '^pg_'),
  'memberships', (SELECT pg_catalog.json_agg(DISTINCT pg_catalog.jsonb_build_array(
        pg_catalog.pg_get_userbyid(m.roleid), pg_catalog.pg_get_userbyid(m.member), m.admin_option))
      FROM pg_catalog.pg_auth_members m),
  'tablespaces', (SELECT pg_catalog.json_agg(t.spcname) FROM pg_catalog.pg_tablespace t WHERE t.spcname !~ '^pg_'),
  'settings', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(s.setting, s.allowed) ORDER BY s.rank)
      FROM (SELECT x.setting, (x.setrole <> 0)::int * 2 + (x.setdatabase <> 0)::int AS rank,
                   -- a role that is no superuser may not ask for it, however it came by it
                   coalesce(g.context = 'user', true) OR me.rolsuper AS allowed
            FROM (SELECT pg_catalog.unnest(r.setconfig) AS setting, r.setrole, r.setdatabase
                  FROM pg_catalog.pg_db_role_setting r) x
            CROSS JOIN (SELECT oid, rolsuper FROM pg_catalog.pg_roles WHERE rolname = session_user) me
            LEFT JOIN pg_catalog.pg_settings g ON g.name = pg_catalog.split_part(x.setting, '=', 1)
            WHERE x.setdatabase IN (0, d.oid) AND x.setrole IN (0, me.oid)) s),
  'extensions', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
        'name', e.extname, 'version', e.extversion, 'schema', n.nspname,
        'types', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(tn.nspname, t.typname, t.typmodin <> 0))
            FROM pg_catalog.pg_depend p
            JOIN pg_catalog.pg_type t ON t.oid = p.objid AND t.typtype = 'b' AND t.typelem = 0
            JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace
            WHERE p.refclassid = 'pg_catalog.pg_extension'::regclass AND p.refobjid = e.oid AND p.deptype = 'e'
              AND p.classid = 'pg_catalog.pg_type'::regclass)))
      FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace),
  'public', EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'public'))
FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()
