-- Purpose: what a database has done so far, in counters that two readings are subtracted of.
-- Privileges: none; without pg_read_all_stats what other roles wait for is not counted (hidden).
-- Versions: 13 to 18 (columns that a version lacks are read through to_jsonb).
SELECT pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()),
  pg_catalog.date_part('epoch', pg_catalog.pg_postmaster_start_time()),
  pg_catalog.date_part('epoch', d.stats_reset),
  d.xact_commit, d.xact_rollback, d.deadlocks,
  (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity AS a
   WHERE a.datid = d.datid AND a.wait_event_type = 'Lock'),
  (SELECT pg_catalog.max(pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.xact_start))
   FROM pg_catalog.pg_stat_activity AS a
   WHERE a.datid = d.datid AND a.pid <> pg_catalog.pg_backend_pid()),
  (SELECT pg_catalog.max(pg_catalog.date_part('epoch', r.replay_lag)) FROM pg_catalog.pg_stat_replication AS r),
  (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity AS a
   WHERE a.datid = d.datid AND a.query = '<insufficient privilege>')
FROM pg_catalog.pg_stat_database AS d WHERE d.datname = pg_catalog.current_database()
