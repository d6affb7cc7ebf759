-- Purpose: the roles of the server, and what they may do beyond what is granted to them.
-- Privileges: any role. Passwords are access_passwords.sql's.
-- Versions: 13-18.
SELECT r.oid::int8, r.rolname::text, r.rolsuper, r.rolcreaterole, r.rolcreatedb, r.rolreplication, r.rolbypassrls,
       r.rolcanlogin, r.rolinherit,
       CASE WHEN r.rolvaliduntil IS NULL OR r.rolvaliduntil = 'infinity' THEN ''
            ELSE pg_catalog.to_char(r.rolvaliduntil AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') END
  FROM pg_catalog.pg_roles r
 ORDER BY r.oid
