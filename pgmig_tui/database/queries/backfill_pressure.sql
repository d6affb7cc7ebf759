-- Purpose: what a backfill gives way to: replicas that are behind, WAL that isn't archived, a vacuum of its table.
-- Privileges: any role; without pg_read_all_stats the lag of replicas is hidden (state NULL): counted, never taken for
--   none. That a session vacuums the table is everybody's to see.
-- Versions: 13-18. Lock-free. A connection that only streams WAL (pg_receivewal, a backup) replays nothing.
-- Parameters: $1 = the table's oid (it is prepared once and executed often).
SELECT (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_replication r WHERE r.state IS DISTINCT FROM 'backup'),
       (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_replication r WHERE r.state IS NULL),
       (SELECT pg_catalog.max(pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), r.replay_lsn))::bigint
          FROM pg_catalog.pg_stat_replication r WHERE r.state <> 'backup'),
       (SELECT pg_catalog.max(extract(epoch FROM r.replay_lag))::float8
          FROM pg_catalog.pg_stat_replication r WHERE r.state <> 'backup'),
       pg_catalog.current_setting('archive_mode') <> 'off',
       coalesce(a.last_failed_time > a.last_archived_time, a.last_failed_time IS NOT NULL),
       CASE WHEN a.last_archived_wal ~ '^[0-9A-F]{24}$' THEN
            greatest(0, pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), '0/0')
             - (('x' || pg_catalog.substr(a.last_archived_wal, 9, 8))::bit(32)::bigint * 4294967296
                + (('x' || pg_catalog.substr(a.last_archived_wal, 17, 8))::bit(32)::bigint + 1)
                  * (SELECT s.setting::bigint FROM pg_catalog.pg_settings s WHERE s.name = 'wal_segment_size')))::bigint
       END,
       EXISTS (SELECT 1
                 FROM pg_catalog.pg_stat_get_progress_info('VACUUM') v
                 JOIN pg_catalog.pg_locks l ON l.pid = v.pid AND l.locktype = 'relation' AND l.granted
                      AND l.mode = 'ShareUpdateExclusiveLock' AND l.relation = $1
                      AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d
                                         WHERE d.datname = pg_catalog.current_database())),
       pg_catalog.pg_stat_get_live_tuples($1), pg_catalog.pg_stat_get_dead_tuples($1)
  FROM pg_catalog.pg_stat_archiver a
