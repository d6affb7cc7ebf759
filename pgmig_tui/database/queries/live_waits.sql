-- Purpose: the beginning of live.sql and live_glance.sql: who waits for whom around one session, as members of a WITH
--   list: locks, waits, behind (who waits for us) and ahead (whom we wait for).
-- Privileges: any role.
-- Versions: 13-18; before 14 the lines marked so are left out. Lock-free: pg_locks only.
-- Parameters: $1 = the process, int.
WITH RECURSIVE locks AS MATERIALIZED (
    SELECT l.locktype, l.database, l.relation, l.transactionid, l.classid, l.objid, l.objsubid, l.virtualtransaction,
           l.pid, l.mode, l.granted,
           CASE WHEN NOT l.granted THEN l.waitstart END AS since  -- 14
           -- before 14: NULL::timestamptz AS since
      FROM pg_catalog.pg_locks l
), waits AS MATERIALIZED (
    SELECT w.pid, b.pid AS blocker, w.since
      FROM (SELECT pid, pg_catalog.min(since) AS since FROM locks WHERE NOT granted GROUP BY pid) w
     CROSS JOIN LATERAL pg_catalog.unnest(pg_catalog.pg_blocking_pids(w.pid)) AS b(pid)
), behind(pid) AS (
    SELECT pid FROM waits WHERE blocker = $1
     UNION
    SELECT w.pid FROM behind b JOIN waits w ON w.blocker = b.pid WHERE w.pid <> $1
), ahead(pid) AS (
    SELECT blocker FROM waits WHERE pid = $1
     UNION
    SELECT w.blocker FROM ahead a JOIN waits w ON w.pid = a.pid WHERE w.blocker <> $1
)
