-- Purpose: how many sessions of this database wait for a lock now; pg_locks tells it of everybody's, where
--          pg_stat_activity hides from many roles what a session waits for.
-- Privileges: any login role.
-- Versions: 13-18.
SELECT pg_catalog.count(DISTINCT l.pid)
  FROM pg_catalog.pg_locks l
  JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
 WHERE NOT l.granted
   AND a.datid = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
