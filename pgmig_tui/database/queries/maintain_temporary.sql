-- Purpose: temporary tables whose session is gone: what a crash has left, and autovacuum hasn't removed yet.
-- Privileges: any role.
-- Versions: 16-18: before, pg_stat_get_backend_dbid() doesn't count sessions as the names of their schemas do.
SELECT n.nspname::text, c.relname::text
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relpersistence = 't' AND c.relkind IN ('r', 'p') AND n.nspname ~ '^pg_temp_[0-9]+$'
   AND pg_catalog.pg_stat_get_backend_dbid(pg_catalog.substr(n.nspname::text, 9)::int4)
       IS DISTINCT FROM (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
 ORDER BY 1, 2
