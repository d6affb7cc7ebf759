-- Purpose: sessions of this database by the pattern of their application name: dumps and steps of ours that are still
--   at work.
-- Privileges: any role (names and processes are visible to everyone; state and start only of one's own).
-- Versions: 13-18.
SELECT a.pid, a.application_name, a.usename::text, a.state, a.backend_start::text
  FROM pg_catalog.pg_stat_activity a
 WHERE a.datname = pg_catalog.current_database() AND a.application_name LIKE :'pattern'
   AND a.pid <> pg_catalog.pg_backend_pid()
 ORDER BY a.pid
