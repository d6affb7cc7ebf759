-- Purpose: how fast this server reads: a system catalog's first pages several times over, which are in memory then, and
--   what the database has counted of blocks that were not in shared_buffers.
-- Privileges: any role. The counters' times are 0 unless track_io_timing is on.
-- Versions: 13-18. Takes no lock on a user's relation, reads 3 MB at most; one simple query, whose settings end with it.
SET LOCAL lock_timeout = '150ms'; SET LOCAL statement_timeout = '1s'; SET LOCAL jit = off;
SET LOCAL max_parallel_workers_per_gather = 0;
EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON)
    SELECT pg_catalog.count(a.attlen) FROM (SELECT attlen FROM pg_catalog.pg_attribute LIMIT 20000) AS a;
EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON)
    SELECT pg_catalog.count(a.attlen) FROM (SELECT attlen FROM pg_catalog.pg_attribute LIMIT 20000) AS a;
EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON)
    SELECT pg_catalog.count(a.attlen) FROM (SELECT attlen FROM pg_catalog.pg_attribute LIMIT 20000) AS a;
EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON)
    SELECT pg_catalog.count(a.attlen) FROM (SELECT attlen FROM pg_catalog.pg_attribute LIMIT 20000) AS a;
SELECT blks_read * pg_catalog.current_setting('block_size')::float8, blk_read_time
  FROM pg_catalog.pg_stat_database WHERE datname = pg_catalog.current_database()
