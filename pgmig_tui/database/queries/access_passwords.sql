-- Purpose: how the passwords of roles that may log in are kept; the passwords themselves aren't read.
-- Privileges: SELECT on pg_authid, which superusers have.
-- Versions: 13-18.
SELECT a.rolname::text,
       CASE WHEN a.rolpassword IS NULL THEN 'none' WHEN a.rolpassword LIKE 'md5%' THEN 'md5'
            WHEN a.rolpassword LIKE 'SCRAM-SHA-256$%' THEN 'scram' ELSE 'other' END
  FROM pg_catalog.pg_authid a
 WHERE a.rolcanlogin
 ORDER BY 1
