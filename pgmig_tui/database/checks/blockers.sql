-- Purpose: every lock, held or awaited, on the affected tables, their partitions, indexes and TOAST tables.
-- Privileges: any role sees locks, processes and modes; pg_read_all_stats to see how old their transactions are
--   (xact_s NULL otherwise, and the check says UNKNOWN).
-- Versions: 13-18. Lock-free: reads catalogs and pg_locks only. pg_locks.waitstart is there from 14 on.
-- Parameters: schemas, relations (parallel arrays; a NULL schema means any).
WITH RECURSIVE named AS (
    SELECT c.oid, c.reltoastrelid
      FROM unnest(%(schemas)s::text[], %(relations)s::text[]) AS t(nspname, relname)
      JOIN pg_class c ON c.relname = t.relname
      JOIN pg_namespace n ON n.oid = c.relnamespace AND (t.nspname IS NULL OR n.nspname = t.nspname)
), parts(oid) AS (
    SELECT oid FROM named
     UNION
    SELECT i.inhrelid FROM pg_inherits i JOIN parts p ON p.oid = i.inhparent
), affected(oid) AS (
    SELECT oid FROM parts
     UNION
    SELECT x.indexrelid FROM pg_index x JOIN parts p ON p.oid = x.indrelid
     UNION
    SELECT c.reltoastrelid FROM pg_class c JOIN parts p ON p.oid = c.oid WHERE c.reltoastrelid <> 0
)
SELECT l.relation::regclass::text AS relation, l.mode, l.granted, l.pid,
       CASE WHEN l.pid IS NULL THEN l.virtualtransaction END AS prepared,
       a.usename::text AS role, a.application_name AS application, a.backend_type, a.state,
       extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS xact_s,
       extract(epoch FROM clock_timestamp() - (to_jsonb(l) ->> 'waitstart')::timestamptz)::float8 AS waiting_s,
       left(a.query, 200) AS query
  FROM pg_locks l
  LEFT JOIN pg_stat_activity a ON a.pid = l.pid
 WHERE l.locktype = 'relation' AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND l.relation IN (SELECT oid FROM affected) AND l.pid IS DISTINCT FROM pg_backend_pid()
 ORDER BY l.granted DESC, xact_s DESC NULLS FIRST, relation
