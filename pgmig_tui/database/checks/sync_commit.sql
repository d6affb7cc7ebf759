-- Purpose: synchronous_standby_names is set and no such standby streams: the first COMMIT of a run would hang.
-- Privileges: pg_read_all_stats (in pg_monitor); for other roles sync_state is hidden and the answer would be a false
--   alarm, so `may_see` is false and the check says UNKNOWN.
-- Versions: 13-18.
SELECT current_setting('synchronous_standby_names') AS names, current_setting('synchronous_commit') AS synchronous_commit,
       (SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum') AND state = 'streaming')::int
           AS streaming,
       pg_has_role('pg_read_all_stats', 'USAGE') AS may_see
