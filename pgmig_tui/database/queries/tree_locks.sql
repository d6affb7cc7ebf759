-- Purpose: what some processes wait for, and the strongest lock that each holds on a relation; for a lock tree.
-- Privileges: any role.
-- Versions: 13-18. Lock-free. waitstart is there from 14 on. Relations of other databases have no name here.
-- Parameters: pids. Prepared transactions have no process and aren't told of.
WITH locks AS MATERIALIZED (
    SELECT l.pid, l.mode, l.granted, l.locktype, l.database, l.relation,
           extract(epoch FROM pg_catalog.clock_timestamp()
                   - (pg_catalog.to_jsonb(l) ->> 'waitstart')::timestamptz)::float8 AS waited
      FROM pg_catalog.pg_locks l
     WHERE l.pid = ANY (%(pids)s::int[])
)
SELECT DISTINCT l.pid, l.mode, l.granted, l.locktype,
       CASE WHEN l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
            THEN n.nspname || '.' || c.relname END,
       l.waited
  FROM locks l
  LEFT JOIN pg_catalog.pg_class c ON c.oid = l.relation
  LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE NOT l.granted
    OR (l.relation IS NOT NULL AND n.nspname NOT IN ('pg_catalog', 'pg_toast', 'information_schema')
        AND c.relkind IN ('r', 'p', 'm', 'v', 'f', 'S'))
 ORDER BY 1, 3
