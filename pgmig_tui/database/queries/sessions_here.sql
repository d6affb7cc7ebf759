-- Purpose: which of some processes work in this database; a lock tree is told for the whole server.
-- Privileges: any role.
-- Versions: 13-18. Parameters: pids.
SELECT a.pid FROM pg_catalog.pg_stat_activity a
 WHERE a.pid = ANY (%(pids)s::int[]) AND a.datname = pg_catalog.current_database()
