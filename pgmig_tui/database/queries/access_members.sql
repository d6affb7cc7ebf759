-- Purpose: who is a member of which role, and what that gives. Before 16 a member may always become the role, and has
--   its privileges where it inherits: that is NULL then.
-- Privileges: any role.
-- Versions: 13-18.
SELECT m.roleid::int8, m.member::int8, m.admin_option,
       (pg_catalog.to_jsonb(m) ->> 'inherit_option')::bool,
       coalesce((pg_catalog.to_jsonb(m) ->> 'set_option')::bool, true), m.grantor::int8
  FROM pg_catalog.pg_auth_members m
 ORDER BY 1, 2
