-- Purpose: is WAL archiving alive; without it there is no recovery to a point after the last backup.
-- Privileges: any role.
-- Versions: 13-18. An idle server archives nothing, so the age of the last success proves nothing by itself.
SELECT current_setting('archive_mode') AS archive_mode, archived_count::float8 AS archived,
       last_archived_time::text AS last_archived, failed_count::float8 AS failed, last_failed_time::text AS last_failed,
       last_failed_wal,
       coalesce(last_failed_time > last_archived_time, last_failed_time IS NOT NULL) AS failing
  FROM pg_stat_archiver
