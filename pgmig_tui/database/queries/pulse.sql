-- Purpose: how an environment does while a run goes on: who waits, how much is done, what it has written.
-- Privileges: none; without pg_read_all_stats the waits and transactions of other roles are hidden, and the lag of
--   replicas is: both are counted, so that nothing unseen is taken for zero.
-- Versions: 13-18. Lock-free: statistics and WAL positions alone.
SELECT pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()),
  pg_catalog.date_part('epoch', d.stats_reset),
  d.xact_commit OPERATOR(pg_catalog.+) d.xact_rollback,
  a.waiters, a.longest, a.hidden,
  r.replicas, r.unseen, r.lag,
  CASE WHEN NOT pg_catalog.pg_is_in_recovery()
       THEN pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), '0/0')::pg_catalog.float8 END
FROM pg_catalog.pg_stat_database AS d,
  (SELECT pg_catalog.count(*) FILTER (WHERE s.wait_event_type OPERATOR(pg_catalog.=) 'Lock') AS waiters,
          pg_catalog.max(pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) s.xact_start))
            FILTER (WHERE s.pid OPERATOR(pg_catalog.<>) pg_catalog.pg_backend_pid()) AS longest,
          pg_catalog.count(*) FILTER (WHERE s.query OPERATOR(pg_catalog.=) '<insufficient privilege>') AS hidden
     FROM pg_catalog.pg_stat_activity AS s
    WHERE s.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()) AS a,
  (SELECT pg_catalog.count(*) AS replicas,
          pg_catalog.count(*) FILTER (WHERE w.state IS NULL) AS unseen,
          pg_catalog.max(pg_catalog.date_part('epoch', w.replay_lag)) AS lag
     FROM pg_catalog.pg_stat_replication AS w
    WHERE w.state IS DISTINCT FROM 'backup') AS r
WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()
