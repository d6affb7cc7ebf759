-- Purpose: the longest transactions of this database, autovacuum included, and how many sessions hide theirs.
-- Privileges: pg_read_all_stats; without it others' sessions have no xact_start and are only counted (last column), so
--   that "none" is never said of what can't be seen.
-- Versions: 13-18. Lock-free.
SELECT a.pid, a.usename::text, a.application_name, a.client_addr::text, a.backend_type, a.state,
       extract(epoch FROM pg_catalog.clock_timestamp() - a.xact_start)::float8, a.backend_xid IS NOT NULL,
       a.backend_start::text, pg_catalog.left(a.query, 200),
       extract(epoch FROM pg_catalog.clock_timestamp() - a.state_change)::float8,
       count(*) FILTER (WHERE a.query = '<insufficient privilege>') OVER ()
  FROM pg_catalog.pg_stat_activity a
 WHERE a.datname = pg_catalog.current_database() AND a.pid <> pg_catalog.pg_backend_pid()
   AND a.backend_type IS DISTINCT FROM 'parallel worker'
   AND (a.xact_start IS NOT NULL OR a.query = '<insufficient privilege>')
 ORDER BY a.xact_start NULLS LAST
 LIMIT 5
