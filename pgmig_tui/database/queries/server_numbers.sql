-- Purpose: an environment at a glance: how big it is, how full, who waits, how far replicas are behind, how old its
--   transaction IDs are, and how many rows are dead by the statistics.
-- Privileges: any role. Without pg_read_all_stats others' transactions and the lag of replicas aren't to be seen: the
--   columns hidden and lag_hidden count what is hidden, so that "none" is never said of it. The size is NULL for who may
--   not see it.
-- Versions: 13-18. Lock-free.
SELECT CASE WHEN pg_catalog.has_database_privilege(d.oid, 'CONNECT') OR pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE')
            THEN pg_catalog.pg_database_size(d.oid) END AS size_bytes,
       (SELECT pg_catalog.sum(s.numbackends) FROM pg_catalog.pg_stat_database s)::int AS connections,
       (SELECT s.numbackends FROM pg_catalog.pg_stat_database s WHERE s.datid = d.oid) AS connections_here,
       pg_catalog.current_setting('max_connections')::int AS max_connections,
       (SELECT pg_catalog.max(extract(epoch FROM pg_catalog.clock_timestamp() - a.xact_start))::float8
          FROM pg_catalog.pg_stat_activity a
         WHERE a.datid = d.oid AND a.pid <> pg_catalog.pg_backend_pid()) AS longest_transaction_s,
       (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity a
         WHERE a.datid = d.oid AND a.query = '<insufficient privilege>') AS hidden,
       (SELECT pg_catalog.count(DISTINCT l.pid) FROM pg_catalog.pg_locks l
          JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
         WHERE NOT l.granted AND a.datid = d.oid) AS waiters,
       (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_replication r WHERE r.state IS DISTINCT FROM 'backup') AS replicas,
       (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_replication r WHERE r.state IS NULL) AS lag_hidden,
       (SELECT pg_catalog.max(pg_catalog.pg_wal_lsn_diff(
                   CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()
                        ELSE pg_catalog.pg_current_wal_lsn() END, r.replay_lsn))::float8
          FROM pg_catalog.pg_stat_replication r WHERE r.state IS DISTINCT FROM 'backup') AS lag_bytes,
       (SELECT pg_catalog.max(extract(epoch FROM r.replay_lag))::float8
          FROM pg_catalog.pg_stat_replication r WHERE r.state IS DISTINCT FROM 'backup') AS lag_s,
       (100.0 * pg_catalog.age(d.datfrozenxid) / 2147483648.0)::float8 AS wraparound_percent,
       (SELECT pg_catalog.sum(t.n_live_tup) FROM pg_catalog.pg_stat_user_tables t)::bigint AS live_rows,
       (SELECT pg_catalog.sum(t.n_dead_tup) FROM pg_catalog.pg_stat_user_tables t)::bigint AS dead_rows,
       pg_catalog.pg_is_in_recovery() AS standby
  FROM pg_catalog.pg_database d
 WHERE d.datname = pg_catalog.current_database()
