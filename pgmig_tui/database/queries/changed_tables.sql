-- Purpose: which of the tables that say what runs have changed are there: the registry's events, the runs, the kept rows.
--   Only plain tables without row security count: reading anything else could run somebody's code.
-- Privileges: any login role.
-- Versions: 13-18.
SELECT pg_catalog.bool_or(n.nspname = :'registry' AND c.relname = 'events'),
       pg_catalog.bool_or(n.nspname = :'tracking' AND c.relname = 'runs'),
       pg_catalog.bool_or(n.nspname = :'keep' AND c.relname = 'kept')
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND NOT c.relrowsecurity AND n.nspname IN (:'registry', :'tracking', :'keep')
