-- Purpose: the deployed changes of a project (of all with NULL), in order of deployment; times in UTC that sort as text.
-- Privileges: USAGE on the registry schema, SELECT on changes.
-- Versions: 13-18. A registry of version 0 has no script_hash: the caller puts NULL in its place.
SELECT c.change_id, c.script_hash, c.change, c.project, c.note,
       pg_catalog.to_char(c.committed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
       c.committer_name, c.committer_email,
       pg_catalog.to_char(c.planned_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
       c.planner_name, c.planner_email
  FROM :"schema".changes c
 WHERE :'project'::text IS NULL OR c.project = :'project'::text
 ORDER BY c.committed_at, c.change_id
