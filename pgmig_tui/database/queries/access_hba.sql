-- Purpose: lines of pg_hba.conf that let in without a password, or with one that is sent in clear.
-- Privileges: SELECT on pg_hba_file_rules and EXECUTE on the function behind it, which superusers have.
-- Versions: 13-18; file_name is there from 16 on.
SELECT h.line_number, coalesce(pg_catalog.to_jsonb(h) ->> 'file_name', ''), h.type,
       pg_catalog.array_to_string(h.database, ','), pg_catalog.array_to_string(h.user_name, ','),
       pg_catalog.concat_ws(' ', h.address, h.netmask), h.auth_method
  FROM pg_catalog.pg_hba_file_rules h
 WHERE h.auth_method IN ('trust', 'password')
 ORDER BY 2, 1
