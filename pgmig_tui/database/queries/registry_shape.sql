-- Purpose: is there a registry in that schema, and how old is it: does it have `releases`, has `changes` a script_hash.
--   What isn't a table counts as well: it is found, and refused, by own_tables.
-- Privileges: any role; catalogs only.
-- Versions: 13-18.
SELECT coalesce(pg_catalog.bool_or(c.relname = 'changes'), false),
       coalesce(pg_catalog.bool_or(c.relname = 'releases'), false),
       coalesce(pg_catalog.bool_or(c.relname = 'changes' AND a.attname IS NOT NULL), false)
  FROM pg_catalog.pg_namespace n
  JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = 'script_hash' AND NOT a.attisdropped
 WHERE n.nspname = :'schema' AND c.relname IN ('changes', 'releases')
