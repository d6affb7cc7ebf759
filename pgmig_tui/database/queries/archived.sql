-- How far this server's WAL has been archived: the segment that is written now, how large segments are, what the
-- archiver has sent last and whether it fails. On a standby the segment is the one that it replays.
-- Privileges: any role. Versions: 13 to 18.
SELECT pg_catalog.current_setting('archive_mode'),
       CASE WHEN pg_catalog.pg_is_in_recovery() THEN NULL
            ELSE pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()) END,
       pg_catalog.pg_size_bytes(pg_catalog.current_setting('wal_segment_size'))::bigint,
       coalesce(a.last_archived_wal, ''),
       coalesce(a.last_failed_time > a.last_archived_time, a.last_failed_time IS NOT NULL)
FROM pg_catalog.pg_stat_archiver a
