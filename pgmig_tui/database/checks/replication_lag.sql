-- Purpose: how far connected standbys are behind.
-- Privileges: pg_read_all_stats (in pg_monitor) for the values; other roles get rows full of NULLs: UNKNOWN, never
--   "no lag".
-- Versions: 13-18. On a standby (cascading) the position comes from replay.
SELECT r.application_name AS name, r.client_addr::text AS client, r.state, r.sync_state,
       pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END,
                       r.replay_lsn)::float8 AS lag_bytes,
       extract(epoch FROM r.replay_lag)::float8 AS lag_s, r.state IS NULL AS hidden
  FROM pg_stat_replication r
 WHERE r.state IS DISTINCT FROM 'backup'
 ORDER BY lag_bytes DESC NULLS FIRST
