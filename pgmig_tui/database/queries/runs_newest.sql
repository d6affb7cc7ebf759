-- Purpose: the newest runs of a project by every account and host, so that a rollback knows what came in one run, and
--   whether what works now deploys or reverts.
-- Privileges: SELECT on the table of runs; runs_readable.sql says whether it can be read.
-- Versions: 13-18. Times are UTC with microseconds and sort as text.
SELECT r.run_id, r.command, r.operator, r.host, r.steps, r.exit_status, coalesce(r.place, ''),
       pg_catalog.to_char(r.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
       pg_catalog.to_char(r.heartbeat_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
       pg_catalog.to_char(r.finished_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
  FROM :"schema".runs r
 WHERE r.project = :'project' AND r.command IN ('deploy', 'revert', 'rollback')
 ORDER BY r.started_at DESC
 LIMIT 200
