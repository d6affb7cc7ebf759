-- Purpose: who holds the advisory key of a backfill in this database, so that a refusal can name them.
-- Privileges: any login role; state and since are NULL for a role that may not see the session (no pg_read_all_stats).
-- Versions: 13-18.
-- Parameters: high and low, the halves of the key.
SELECT l.pid, coalesce(a.usename::text, ''), coalesce(a.application_name, ''), coalesce(a.client_addr::text, ''),
       pg_catalog.to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), a.state, a.client_hostname
  FROM pg_catalog.pg_locks l
  LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
 WHERE l.locktype = 'advisory' AND l.classid = %(high)s::bigint::oid AND l.objid = %(low)s::bigint::oid
   AND l.objsubid = 1 AND l.granted
   AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
 LIMIT 1
