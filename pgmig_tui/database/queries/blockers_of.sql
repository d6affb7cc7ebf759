-- Purpose: the sessions that a process waits for, with what a person must know before ending one.
-- Privileges: any role for processes and users; pg_read_all_stats for state, age and query (NULL otherwise).
-- Versions: 13-18. Lock-free. A process 0 is a prepared transaction.
SELECT b.pid, a.usename::text, a.application_name, a.client_addr::text, a.backend_type, a.state,
       extract(epoch FROM pg_catalog.clock_timestamp() - a.xact_start)::float8, a.backend_xid IS NOT NULL,
       a.backend_start::text, pg_catalog.left(a.query, 200)
  FROM pg_catalog.unnest(pg_catalog.pg_blocking_pids(%(pid)s::int)) AS b(pid)
  LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = b.pid
 ORDER BY b.pid
