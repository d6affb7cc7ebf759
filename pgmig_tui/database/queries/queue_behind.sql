-- Purpose: how many sessions are stuck, directly or not, behind a process, and for how long: the panic signal.
-- Privileges: any role.
-- Versions: 13-18. Lock-free. pg_locks.waitstart is there from 14 on; before that the age is NULL.
WITH RECURSIVE stuck(pid) AS (
    SELECT %(pid)s::int
     UNION
    SELECT a.pid
      FROM stuck s
      JOIN pg_catalog.pg_stat_activity a ON s.pid = ANY (pg_catalog.pg_blocking_pids(a.pid))
)
SELECT pg_catalog.count(*)::int,
       pg_catalog.max((SELECT pg_catalog.max(extract(epoch FROM pg_catalog.clock_timestamp()
                                   - (pg_catalog.to_jsonb(l) ->> 'waitstart')::timestamptz))
                         FROM pg_catalog.pg_locks l
                        WHERE l.pid = stuck.pid AND NOT l.granted))::float8
  FROM stuck
 WHERE stuck.pid <> %(pid)s::int
