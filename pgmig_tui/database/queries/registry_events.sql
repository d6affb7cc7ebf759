-- Purpose: the history of deploys, reverts and failures, newest first.
-- Privileges: USAGE on the registry schema, SELECT on events.
-- Versions: 13-18.
SELECT e.event, e.change_id, e.change, e.project, e.note, e.requires, e.conflicts, e.tags,
       pg_catalog.to_char(e.committed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
       e.committer_name, e.committer_email,
       pg_catalog.to_char(e.planned_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
       e.planner_name, e.planner_email
  FROM :"schema".events e
 WHERE :'project'::text IS NULL OR e.project = :'project'::text
 ORDER BY e.committed_at DESC
