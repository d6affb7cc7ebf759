-- Purpose: the sessions of the run that foreign_head.sql has found, and whoever holds Sqitch's key.
-- Privileges: any role sees processes, users, applications and addresses; pg_read_all_stats to see the rest (query is
--   '<insufficient privilege>' and the rest NULL otherwise).
-- Versions: 13-18. Lock-free.
SELECT a.pid, a.application_name, coalesce(a.usename::text, ''),
       coalesce(a.client_hostname, a.client_addr::text, ''), a.state, a.wait_event_type, a.wait_event,
       (extract(epoch FROM pg_catalog.clock_timestamp() - a.xact_start) * 1000)::bigint,
       (extract(epoch FROM pg_catalog.clock_timestamp() - a.state_change) * 1000)::bigint,
       pg_catalog.left(a.query, 400),
       pg_catalog.to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
  FROM pg_catalog.pg_stat_activity a
 WHERE a.datname = pg_catalog.current_database()
   AND ((pg_catalog.current_setting('pgmig.run') <> ''
         AND pg_catalog.starts_with(a.application_name, 'pgmig/' || pg_catalog.current_setting('pgmig.run') || '/'))
        OR a.pid = pg_catalog.current_setting('pgmig.step')::int)
 ORDER BY a.application_name LIKE '%/control', a.application_name LIKE '%/watch', a.pid
 LIMIT 50
