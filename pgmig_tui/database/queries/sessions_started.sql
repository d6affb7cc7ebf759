-- Purpose: which of these sessions still live, whatever their application name is by now. Not the one that asks: a pool
--   has given it to us.
-- Privileges: any role; sessions of other roles only with pg_read_all_stats, for their start is hidden.
-- Versions: 13-18.
SELECT a.pid, a.application_name, a.usename::text, a.state, a.backend_start::text
  FROM pg_catalog.pg_stat_activity a
  JOIN ROWS FROM (pg_catalog.unnest(:'pids'::int[]), pg_catalog.unnest(:'started'::timestamptz[])) AS known(pid, started)
    ON a.pid = known.pid AND a.backend_start = known.started
 WHERE a.datname = pg_catalog.current_database() AND a.pid <> pg_catalog.pg_backend_pid()
 ORDER BY a.pid
