-- Purpose: two-phase leftovers: they hold locks and snapshots and have no session that could be ended. An index that
--   is wanted itself is named by its table.
-- Privileges: any role, including the locks that they hold.
-- Versions: 13-18.
-- Parameters: schemas, relations. `number` is the place in them, from 1 on; NULL where no such relation is locked.
SELECT p.gid, p.owner::text AS role, p.database::text AS database, p.prepared::text AS prepared,
       extract(epoch FROM clock_timestamp() - p.prepared)::float8 AS age_s,
       held.relation, held.mode, held.number
  FROM pg_prepared_xacts p
  LEFT JOIN LATERAL
       (SELECT coalesce((SELECT i.indrelid FROM pg_index i WHERE i.indexrelid = c.oid), c.oid)::regclass::text
                   AS relation, l.mode, t.number::int AS number
          FROM pg_locks x
          JOIN pg_locks l ON l.virtualtransaction = x.virtualtransaction AND l.pid IS NULL
          JOIN pg_class c ON c.oid = l.relation
          JOIN pg_namespace n ON n.oid = c.relnamespace
          JOIN unnest(%(schemas)s::text[], %(relations)s::text[]) WITH ORDINALITY AS t(nspname, relname, number)
            ON t.relname = c.relname AND (t.nspname IS NULL OR t.nspname = n.nspname)
         WHERE x.locktype = 'transactionid' AND x.transactionid = p.transaction AND x.pid IS NULL
           AND l.locktype = 'relation' AND l.granted AND l.mode <> 'SIReadLock'
           AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS held ON true
 ORDER BY p.prepared
