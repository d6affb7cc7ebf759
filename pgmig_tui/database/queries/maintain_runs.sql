-- Purpose: runs that have recorded no end and no longer tell that they are alive.
-- Privileges: SELECT on the table of runs.
-- Versions: 13-18. Times are UTC.
SELECT r.run_id, r.command, r.environment, r.operator, r.host,
       pg_catalog.to_char(r.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
       extract(epoch FROM pg_catalog.clock_timestamp() - r.heartbeat_at)::float8
  FROM ONLY :"schema".runs r
 WHERE r.state <> 'finished'
 ORDER BY r.started_at
