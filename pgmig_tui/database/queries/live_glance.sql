-- Purpose: of queries/live.sql what can't wait: who waits for whom around one session. Among 500 sessions it costs a third.
-- Privileges: any role.
-- Versions: 13-18. Lock-free: pg_locks only. Follows live_waits.sql, which begins its WITH list.
-- Parameters: $1 = the process, int. Columns as live.sql has them; those that it leaves out are NULL.
SELECT EXISTS (SELECT 1 FROM waits WHERE pid = $1),
       (SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(w.pid, w.blocker) ORDER BY w.pid, w.blocker)
          FROM waits w
         WHERE w.pid = $1 OR w.pid IN (SELECT pid FROM ahead)),
       NULL, NULL,
       (SELECT pg_catalog.count(*) FROM behind),
       (SELECT (extract(epoch FROM pg_catalog.clock_timestamp() - pg_catalog.min(w.since)) * 1000)::bigint
          FROM waits w WHERE w.pid IN (SELECT pid FROM behind)),
       NULL, NULL, NULL, NULL, NULL, NULL, NULL,
       EXISTS (SELECT 1 FROM locks WHERE pid = $1)
         AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_stat_get_activity($1) a WHERE a.state IN ('idle', 'idle in transaction')),
       EXISTS (SELECT 1 FROM pg_catalog.pg_stat_get_activity($1) a WHERE a.wait_event = 'SyncRep'),
       (SELECT (extract(epoch FROM pg_catalog.clock_timestamp() - pg_catalog.min(w.since)) * 1000)::bigint
          FROM waits w WHERE w.pid = $1)
