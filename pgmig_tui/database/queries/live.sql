-- Purpose: everything about one session that runs a statement: whom it waits for, who waits behind it, what it holds,
--   how far it is. One row.
-- Privileges: any role; of sessions that this role may not see, query is '<insufficient privilege>' and state, ages and
--   start are NULL. Processes, users, applications and locks are everybody's.
-- Versions: 13-18; before 14 the lines marked so are left out. Lock-free: pg_locks, pg_stat_* and catalogs only.
-- Follows live_waits.sql, which begins its WITH list.
-- Parameters: $1 = the process, int (it is prepared once and executed often). A blocker 0 is a prepared transaction.
, deploy_key AS (
    SELECT pid FROM locks
     WHERE locktype = 'advisory' AND classid = 0 AND objid = 75474063 AND objsubid = 1
       AND database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
), held AS (
    SELECT l.relation, l.mode, c.oid IS NULL AS new, c.relkind, c.relname, n.nspname, c.reltoastrelid
      FROM locks l
      LEFT JOIN pg_catalog.pg_class c ON c.oid = l.relation
      LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE l.pid = $1 AND l.locktype = 'relation' AND l.granted AND l.mode <> 'AccessShareLock'
       AND l.relation >= 16384
)
SELECT EXISTS (SELECT 1 FROM waits WHERE pid = $1),
       (SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(w.pid, w.blocker) ORDER BY w.pid, w.blocker)
          FROM waits w
         WHERE w.pid = $1 OR w.pid IN (SELECT pid FROM ahead)),
       (SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                   'pid', a.pid,
                   'started', pg_catalog.to_char(s.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                   'user', CASE WHEN s.usesysid <> 0 THEN pg_catalog.pg_get_userbyid(s.usesysid) END,
                   'application', s.application_name, 'state', s.state, 'type', s.backend_type,
                   'since_ms', (extract(epoch FROM pg_catalog.clock_timestamp() - s.xact_start) * 1000)::bigint,
                   'query', pg_catalog.left(s.query, 400),
                   'vacuum', a.pid IN (SELECT v.pid FROM pg_catalog.pg_stat_get_progress_info('VACUUM') v),
                   'key', a.pid IN (SELECT k.pid FROM deploy_key k)))
          FROM (SELECT pid FROM ahead LIMIT 200) a
          LEFT JOIN LATERAL pg_catalog.pg_stat_get_activity(NULLIF(a.pid, 0)) s ON s.pid = a.pid),
       CASE WHEN EXISTS (SELECT 1 FROM ahead a WHERE a.pid = 0) THEN
       (SELECT pg_catalog.string_agg(DISTINCT p.gid, ', ')
          FROM locks mine
          JOIN locks theirs ON theirs.pid IS NULL AND theirs.locktype = mine.locktype
               AND theirs.relation IS NOT DISTINCT FROM mine.relation
               AND theirs.transactionid IS NOT DISTINCT FROM mine.transactionid
          JOIN locks x ON x.pid IS NULL AND x.virtualtransaction = theirs.virtualtransaction
               AND x.locktype = 'transactionid'
          JOIN pg_catalog.pg_prepared_xact() p ON p.transaction = x.transactionid
         WHERE mine.pid = $1 AND NOT mine.granted) END,
       (SELECT pg_catalog.count(*) FROM behind),
       (SELECT (extract(epoch FROM pg_catalog.clock_timestamp() - pg_catalog.min(w.since)) * 1000)::bigint
          FROM waits w WHERE w.pid IN (SELECT pid FROM behind)),
       (SELECT pg_catalog.jsonb_agg(DISTINCT pg_catalog.jsonb_build_array(h.nspname || '.' || h.relname, h.mode))
          FROM held h
         WHERE NOT h.new AND h.relkind IN ('r', 'p', 'm', 'v', 'f') AND h.nspname NOT LIKE 'pg\_%'),
       EXISTS (SELECT 1 FROM held h WHERE h.new AND h.mode = 'AccessExclusiveLock'),
       CASE WHEN EXISTS (SELECT 1 FROM held h WHERE h.new) THEN
       (SELECT pg_catalog.sum(c.relpages)::bigint
          FROM pg_catalog.pg_class c
         WHERE c.oid = ANY (ARRAY(SELECT t.oid
                                    FROM held h
                                   CROSS JOIN LATERAL (VALUES (h.relation), (h.reltoastrelid)) AS r(oid)
                                   CROSS JOIN LATERAL (SELECT r.oid
                                                        UNION ALL
                                                       SELECT i.indexrelid FROM pg_catalog.pg_index i
                                                        WHERE i.indrelid = r.oid) AS t(oid)
                                   WHERE NOT h.new AND h.mode = 'AccessExclusiveLock' AND h.relkind IN ('r', 'm')))) END,
       CASE WHEN NOT pg_catalog.pg_is_in_recovery()
            THEN (pg_catalog.pg_current_wal_insert_lsn() - '0/0'::pg_catalog.pg_lsn)::bigint END,
       (SELECT pg_catalog.jsonb_build_array(p.phase, p.percent) FROM (
            SELECT phase, CASE WHEN blocks_total > 0 THEN 100.0 * blocks_done / blocks_total
                               WHEN tuples_total > 0 THEN 100.0 * tuples_done / tuples_total
                               WHEN lockers_total > 0 THEN 100.0 * lockers_done / lockers_total END AS percent
              FROM pg_catalog.pg_stat_progress_create_index WHERE pid = $1
             UNION ALL
            SELECT phase, CASE WHEN heap_blks_total > 0 AND phase = 'seq scanning heap'
                               THEN 100.0 * heap_blks_scanned / heap_blks_total END
              FROM pg_catalog.pg_stat_progress_cluster WHERE pid = $1
             UNION ALL
            SELECT phase, CASE WHEN heap_blks_total > 0 THEN 100.0 * CASE WHEN phase = 'vacuuming heap'
                               THEN heap_blks_vacuumed ELSE heap_blks_scanned END / heap_blks_total END
              FROM pg_catalog.pg_stat_progress_vacuum WHERE pid = $1
             UNION ALL
            SELECT phase, CASE WHEN sample_blks_total > 0 THEN 100.0 * sample_blks_scanned / sample_blks_total END
              FROM pg_catalog.pg_stat_progress_analyze WHERE pid = $1
             UNION ALL  -- 14
            SELECT 'copied ' || tuples_processed || ' rows',  -- 14
                   CASE WHEN bytes_total > 0 THEN 100.0 * bytes_processed / bytes_total END  -- 14
              FROM pg_catalog.pg_stat_progress_copy WHERE pid = $1  -- 14
        ) p LIMIT 1),
       (SELECT pg_catalog.jsonb_build_array(b.phase, CASE WHEN b.backup_total > 0
                                                          THEN 100.0 * b.backup_streamed / b.backup_total END)
          FROM pg_catalog.pg_stat_progress_basebackup b LIMIT 1),
       pg_catalog.current_setting('deadlock_timeout'),
       EXISTS (SELECT 1 FROM locks WHERE pid = $1)
         AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_stat_get_activity($1) a WHERE a.state IN ('idle', 'idle in transaction')),
       EXISTS (SELECT 1 FROM pg_catalog.pg_stat_get_activity($1) a WHERE a.wait_event = 'SyncRep'),
       (SELECT (extract(epoch FROM pg_catalog.clock_timestamp() - pg_catalog.min(w.since)) * 1000)::bigint
          FROM waits w WHERE w.pid = $1)
