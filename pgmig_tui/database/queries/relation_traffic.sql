-- Purpose: size and counters of relations that are given by name; two readings give a rate.
-- Privileges: any role.
-- Versions: 13-18. Lock-free: relpages and reltuples are those of the last vacuum or analyze (-1 rows: never), and the
--   counters come from shared memory. Backends hand theirs in once a second at most. NULL with track_counts off.
-- Parameters: schemas, relations (parallel arrays).
SELECT n.nspname::text, c.relname::text, c.reltuples::bigint,
       c.relpages * pg_catalog.current_setting('block_size')::bigint,
       extract(epoch FROM pg_catalog.clock_timestamp())::float8,
       CASE WHEN counted THEN pg_catalog.pg_stat_get_numscans(c.oid) + coalesce((
           SELECT sum(pg_catalog.pg_stat_get_numscans(i.indexrelid)) FROM pg_catalog.pg_index i
            WHERE i.indrelid = c.oid), 0) END::float8,
       CASE WHEN counted THEN pg_catalog.pg_stat_get_tuples_returned(c.oid)
                              + pg_catalog.pg_stat_get_tuples_fetched(c.oid) END::float8,
       CASE WHEN counted THEN pg_catalog.pg_stat_get_tuples_inserted(c.oid) + pg_catalog.pg_stat_get_tuples_updated(c.oid)
                              + pg_catalog.pg_stat_get_tuples_deleted(c.oid) END::float8
  FROM ROWS FROM (pg_catalog.unnest(%(schemas)s::text[]), pg_catalog.unnest(%(relations)s::text[]))
       AS wanted(nspname, relname)
  CROSS JOIN (SELECT pg_catalog.current_setting('track_counts')::boolean) AS tracking(counted)
  JOIN pg_catalog.pg_namespace n ON n.nspname = wanted.nspname
  JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = wanted.relname
 WHERE c.relkind IN ('r', 'm', 'p', 'f')
 ORDER BY 1, 2
