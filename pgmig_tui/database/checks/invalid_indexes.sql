-- Purpose: leftovers of CREATE INDEX or REINDEX CONCURRENTLY that failed; a build that is under way looks the same, so
--   `maybe_being_built` says whether somebody holds its lock.
-- Privileges: any role.
-- Versions: 13-18. A partitioned parent is legitimately invalid until all its children are attached, and is left out.
-- Parameters: schemas, relations.
SELECT i.indrelid::regclass::text AS relation, i.indexrelid::regclass::text AS index,
       c.relname ~ '_ccnew[0-9]*$' OR c.relname ~ '_ccold[0-9]*$' AS of_reindex,
       EXISTS (SELECT
                 FROM pg_locks l
                WHERE l.locktype = 'relation' AND l.granted AND l.relation = i.indrelid
                  AND l.mode = 'ShareUpdateExclusiveLock'
                  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS maybe_being_built,
       EXISTS (SELECT
                 FROM unnest(%(schemas)s::text[], %(relations)s::text[]) AS a(nspname, relname)
                WHERE a.relname = t.relname AND (a.nspname IS NULL OR a.nspname = n.nspname)) AS on_affected
  FROM pg_index i
  JOIN pg_class c ON c.oid = i.indexrelid
  JOIN pg_class t ON t.oid = i.indrelid
  JOIN pg_namespace n ON n.oid = t.relnamespace
 WHERE NOT (i.indisvalid AND i.indisready AND i.indislive) AND c.relkind <> 'I'
 ORDER BY 1, 2
