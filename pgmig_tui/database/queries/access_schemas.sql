-- Purpose: who may create objects in each schema; 0 is PUBLIC.
-- Privileges: any role.
-- Versions: 13-18.
SELECT n.nspname::text, n.nspowner::int8,
       ARRAY(SELECT a.grantee::int8 FROM pg_catalog.aclexplode(n.nspacl) a WHERE a.privilege_type = 'CREATE')
  FROM pg_catalog.pg_namespace n
 WHERE n.nspname NOT LIKE 'pg\_toast%' AND n.nspname NOT LIKE 'pg\_temp\_%'
