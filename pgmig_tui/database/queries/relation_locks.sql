-- Purpose: every lock, held or awaited, on relations that are given by name; who has it, and since when.
-- Privileges: any role sees locks, processes, users and applications; pg_read_all_stats to see state, age and query of
--   others' sessions (query is '<insufficient privilege>' and the rest NULL otherwise).
-- Versions: 13-18. Lock-free: reads catalogs, pg_locks and pg_stat_activity only. waitstart is there from 14 on.
-- Parameters: schemas, relations (parallel arrays). A lock without a process is that of a prepared transaction.
WITH locks AS MATERIALIZED (SELECT * FROM pg_catalog.pg_locks)
SELECT n.nspname::text, c.relname::text, l.mode, l.granted,
       extract(epoch FROM pg_catalog.clock_timestamp() - (pg_catalog.to_jsonb(l) ->> 'waitstart')::timestamptz)::float8,
       CASE WHEN a.query LIKE 'autovacuum:%%' THEN pg_catalog.strpos(a.query, 'to prevent wraparound') > 0 END,
       p.gid,
       coalesce(l.pid, 0), coalesce(a.usename, p.owner)::text, a.application_name, a.client_addr::text, a.backend_type,
       a.state, extract(epoch FROM pg_catalog.clock_timestamp() - coalesce(a.xact_start, p.prepared))::float8,
       a.backend_xid IS NOT NULL OR p.gid IS NOT NULL, a.backend_start::text, pg_catalog.left(a.query, 200),
       extract(epoch FROM pg_catalog.clock_timestamp() - a.state_change)::float8
  FROM ROWS FROM (pg_catalog.unnest(%(schemas)s::text[]), pg_catalog.unnest(%(relations)s::text[]))
       AS wanted(nspname, relname)
  JOIN pg_catalog.pg_namespace n ON n.nspname = wanted.nspname
  JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = wanted.relname
  JOIN locks l ON l.relation = c.oid AND l.locktype = 'relation'
       AND l.mode <> 'SIReadLock'
       AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
  LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
  LEFT JOIN locks x ON l.pid IS NULL AND x.pid IS NULL AND x.virtualtransaction = l.virtualtransaction
       AND x.locktype = 'transactionid'
  LEFT JOIN pg_catalog.pg_prepared_xacts p ON p.transaction = x.transactionid
 WHERE l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
 ORDER BY 1, 2, l.granted DESC, 14 DESC NULLS LAST, 8
