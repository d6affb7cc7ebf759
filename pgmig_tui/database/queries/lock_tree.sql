-- Purpose: everybody who waits for a lock, and everybody waited for: whom each waits for, and what it is. The tree is made
--   by the caller: a long queue, in which each waits for all before, has more paths than a server should walk.
-- Privileges: any role for who waits for whom; pg_read_all_stats for state, age and query.
-- Versions: 13-18. Lock-free. A process 0 is a prepared transaction.
WITH waits AS MATERIALIZED (
    SELECT l.pid, pg_catalog.pg_blocking_pids(l.pid) AS blockers
      FROM (SELECT DISTINCT w.pid FROM pg_catalog.pg_locks w WHERE NOT w.granted) l
), known AS (
    SELECT pid FROM waits WHERE pg_catalog.cardinality(blockers) > 0
     UNION
    SELECT pg_catalog.unnest(blockers) FROM waits
)
SELECT coalesce(w.blockers, '{}'), k.pid, a.usename::text, a.application_name, a.client_addr::text, a.backend_type,
       a.state, extract(epoch FROM pg_catalog.clock_timestamp() - a.xact_start)::float8, a.backend_xid IS NOT NULL,
       a.backend_start::text, pg_catalog.left(a.query, 200)
  FROM known k
  LEFT JOIN waits w ON w.pid = k.pid
  LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = k.pid
 ORDER BY k.pid
