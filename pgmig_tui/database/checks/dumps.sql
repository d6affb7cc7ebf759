-- Purpose: a pg_dump that this program started and that is still at work: it holds ACCESS SHARE on every table, so any
--   step that needs ACCESS EXCLUSIVE would wait for it.
-- Privileges: any role (processes and application names are visible to everyone).
-- Versions: 13-18.
SELECT a.pid, a.application_name AS application, a.usename::text AS role, a.client_addr::text AS client
  FROM pg_stat_activity a
 WHERE a.datname = current_database() AND a.application_name ~ '^pgmig/[^/]*/dump$'
 ORDER BY a.pid
