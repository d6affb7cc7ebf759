-- Purpose: who waits for whom, root first.
-- Privileges: any role for the tree; pg_read_all_stats for state, age and query.
-- Versions: 13-18. Lock-free. A process 0 is a prepared transaction.
WITH RECURSIVE waits AS (
    SELECT a.pid, b.pid AS blocker
      FROM pg_catalog.pg_stat_activity a
     CROSS JOIN LATERAL pg_catalog.unnest(pg_catalog.pg_blocking_pids(a.pid)) AS b(pid)
), tree AS (
    SELECT DISTINCT blocker AS pid, 0 AS depth, ARRAY[blocker] AS path
      FROM waits
     WHERE blocker NOT IN (SELECT pid FROM waits)
     UNION ALL
    SELECT w.pid, t.depth + 1, t.path || w.pid
      FROM tree t
      JOIN waits w ON w.blocker = t.pid
     WHERE NOT w.pid = ANY (t.path) AND t.depth < 20
)
SELECT DISTINCT ON (t.path) t.depth, t.pid, a.usename::text, a.application_name, a.client_addr::text, a.backend_type,
       a.state, extract(epoch FROM pg_catalog.clock_timestamp() - a.xact_start)::float8, a.backend_xid IS NOT NULL,
       a.backend_start::text, pg_catalog.left(a.query, 200)
  FROM tree t
  LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = t.pid
 ORDER BY t.path
