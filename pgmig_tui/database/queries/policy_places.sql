-- Purpose: schemas in which a run may have kept the policy that it was held to, the usual one first.
-- Privileges: none.
-- Versions: 13-18.
SELECT n.nspname
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'item'
 WHERE c.relname = 'evidence' AND c.relkind = 'r'
 ORDER BY n.nspname <> 'pgmig', n.nspname
 LIMIT 20
