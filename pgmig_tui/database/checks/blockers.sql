-- Purpose: every lock, held or awaited, on the affected tables, their partitions and TOAST tables, and on indexes that
--   are named themselves: who uses a table's index holds a lock on the table, too. Each with the table's name.
-- Privileges: any role sees locks, processes and modes; pg_read_all_stats to see how old their transactions are
--   (xact_s NULL otherwise, and the check says UNKNOWN).
-- Versions: 13-18. Lock-free: reads catalogs and pg_locks only. pg_locks.waitstart is there from 14 on.
-- Parameters: schemas, relations, inherited (parallel arrays; a NULL schema means any; whether partitions count, too).
--   `number` is the place in them, from 1 on.
WITH RECURSIVE named AS (
    SELECT c.oid, t.number, t.inherited
      FROM unnest(%(schemas)s::text[], %(relations)s::text[], %(inherited)s::bool[]) WITH ORDINALITY
           AS t(nspname, relname, inherited, number)
      JOIN pg_class c ON c.relname = t.relname
      JOIN pg_namespace n ON n.oid = c.relnamespace AND (t.nspname IS NULL OR n.nspname = t.nspname)
), parts(oid, number) AS (
    SELECT oid, number FROM named WHERE inherited
     UNION
    SELECT i.inhrelid, p.number FROM pg_inherits i JOIN parts p ON p.oid = i.inhparent
), affected(oid, number) AS (
    SELECT oid, number FROM named
     UNION
    SELECT oid, number FROM parts
     UNION
    SELECT c.reltoastrelid, a.number
      FROM (SELECT oid, number FROM named UNION SELECT oid, number FROM parts) AS a
      JOIN pg_class c ON c.oid = a.oid AND c.reltoastrelid <> 0
)
SELECT coalesce((SELECT x.indrelid FROM pg_index x WHERE x.indexrelid = l.relation),
                (SELECT c.oid FROM pg_class c WHERE c.reltoastrelid = l.relation),
                l.relation)::regclass::text AS relation,
       l.mode, l.granted, l.pid, affected.number::int AS number,
       CASE WHEN l.pid IS NULL THEN l.virtualtransaction END AS prepared,
       a.usename::text AS role, a.application_name AS application, a.backend_type, a.state,
       extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS xact_s,
       extract(epoch FROM clock_timestamp() - (to_jsonb(l) ->> 'waitstart')::timestamptz)::float8 AS waiting_s,
       left(a.query, 200) AS query
  FROM pg_locks l
  JOIN affected ON affected.oid = l.relation
  LEFT JOIN pg_stat_activity a ON a.pid = l.pid
 WHERE l.locktype = 'relation' AND l.mode <> 'SIReadLock'
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND l.pid IS DISTINCT FROM pg_backend_pid()
 ORDER BY l.granted DESC, xact_s DESC NULLS FIRST, relation
