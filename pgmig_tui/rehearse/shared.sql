-- What all databases of a server share, as (kind, name, what it is): to see whether it has changed meanwhile.
-- Scratch databases of ours and temporary slots are left out. Privileges: none beyond CONNECT. Versions: 13 to 18.
SELECT 'role', r.rolname::text, pg_catalog.md5(r::text) FROM pg_catalog.pg_roles r
UNION ALL
SELECT 'member', m.roleid::regrole::text || ' of ' || m.member::regrole::text, pg_catalog.md5(
    pg_catalog.string_agg((pg_catalog.to_jsonb(m) - 'oid')::text, ' ' ORDER BY m.grantor))
FROM pg_catalog.pg_auth_members m GROUP BY m.roleid, m.member
UNION ALL
SELECT 'setting', coalesce(nullif(s.setrole, 0)::regrole::text, 'all roles') || ' in '
    || coalesce((SELECT d.datname FROM pg_catalog.pg_database d WHERE d.oid = s.setdatabase), 'all databases'),
  pg_catalog.md5(s.setconfig::text)
FROM pg_catalog.pg_db_role_setting s
LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
WHERE coalesce(d.datname, '') !~ '^pgmig_rehearsal_'
UNION ALL
SELECT 'database', d.datname::text, pg_catalog.md5(ROW(d.datdba, d.datacl, d.datconnlimit, d.datallowconn)::text)
FROM pg_catalog.pg_database d WHERE d.datname !~ '^pgmig_rehearsal_'
UNION ALL
SELECT 'tablespace', t.spcname::text, pg_catalog.md5(t::text) FROM pg_catalog.pg_tablespace t
UNION ALL
SELECT 'replication slot', s.slot_name::text, '' FROM pg_catalog.pg_replication_slots s WHERE NOT s.temporary
UNION ALL
SELECT 'subscription', s.subname::text, '' FROM pg_catalog.pg_subscription s
