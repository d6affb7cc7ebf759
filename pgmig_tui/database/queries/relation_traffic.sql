-- Purpose: size and counters of relations that are given by name; two readings give a rate.
-- Privileges: any role.
-- Versions: 13-18. Lock-free: relpages and reltuples are those of the last vacuum or analyze, and the counters come from
--   shared memory. Backends hand theirs in once a second at most. NULL with track_counts off. Never analysed (-1 rows from
--   14 on; before it no different from empty): -1 rows, and no size. A partitioned table has pages in its partitions only.
-- Parameters: schemas, relations (parallel arrays).
SELECT n.nspname::text, c.relname::text, CASE WHEN known THEN c.reltuples::bigint ELSE -1 END,
       CASE WHEN known AND c.relkind <> 'p' THEN c.relpages * pg_catalog.current_setting('block_size')::bigint END,
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
  CROSS JOIN LATERAL (SELECT c.reltuples > 0 OR (c.reltuples = 0 AND (
    c.relpages > 0 OR pg_catalog.current_setting('server_version_num')::int4 >= 140000))) AS analysed(known)
 WHERE c.relkind IN ('r', 'm', 'p', 'f')
 ORDER BY 1, 2
