-- Purpose: sessions of this database with a transaction open for too long; they hold snapshots and locks that a step
--   would wait for. Autovacuum is left to the check of that name.
-- Privileges: pg_read_all_stats (in pg_monitor). Without it other users' xact_start is NULL: 0 old transactions would be
--   a false green, so every session is returned with `hidden`, and `may_see_all` says whether that can be trusted.
-- Versions: 13-18.
-- Parameters: min_xact_s.
SELECT s.*
  FROM (SELECT a.pid, a.usename::text AS role, a.application_name AS application, a.client_addr::text AS client, a.state,
               extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS xact_s,
               age(a.backend_xmin) AS xmin_age, a.backend_xid IS NOT NULL AS has_written,
               a.query = '<insufficient privilege>' AS hidden,
               pg_has_role('pg_read_all_stats', 'USAGE') AS may_see_all, left(a.query, 200) AS query
          FROM pg_stat_activity a
         WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()
           AND a.backend_type IS DISTINCT FROM 'autovacuum worker'
           AND a.backend_type IS DISTINCT FROM 'parallel worker'
         UNION ALL
        SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, pg_has_role('pg_read_all_stats', 'USAGE'), NULL) AS s
 WHERE s.pid IS NULL OR s.hidden OR s.xact_s > %(min_xact_s)s::float8
 ORDER BY s.xact_s DESC NULLS LAST
