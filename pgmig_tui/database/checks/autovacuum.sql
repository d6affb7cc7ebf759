-- Purpose: an autovacuum worker on an affected table. An ordinary one yields to DDL after deadlock_timeout; one "to
--   prevent wraparound" never does.
-- Privileges: any role sees that something holds the vacuum's lock; pg_read_all_stats to see which kind it is
--   (wraparound NULL otherwise).
-- Versions: 13-18.
-- Parameters: schemas, relations. `number` is the place in them, from 1 on.
SELECT DISTINCT l.relation::regclass::text AS relation, l.pid, l.mode, t.number::int AS number,
       CASE WHEN a.backend_type IS NULL THEN NULL
            ELSE position('to prevent wraparound' IN a.query) > 0 END AS wraparound,
       a.backend_type, extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS running_s
  FROM unnest(%(schemas)s::text[], %(relations)s::text[]) WITH ORDINALITY AS t(nspname, relname, number)
  JOIN pg_class c ON c.relname = t.relname
  JOIN pg_namespace n ON n.oid = c.relnamespace AND (t.nspname IS NULL OR n.nspname = t.nspname)
  JOIN pg_locks l ON l.relation = c.oid AND l.locktype = 'relation' AND l.granted
                 AND l.mode = 'ShareUpdateExclusiveLock'
                 AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  JOIN pg_stat_activity a ON a.pid = l.pid
 WHERE a.backend_type = 'autovacuum worker' OR a.backend_type IS NULL
