-- Purpose: events of a registry that match what `log` was asked for.
-- Privileges: USAGE on the registry schema, SELECT on events.
-- Versions: 13-18. Regular expressions are PostgreSQL's, as in Sqitch; NULL = no such condition.
SELECT e.event, e.change_id, e.change, e.project, e.note, e.requires, e.conflicts, e.tags,
       pg_catalog.to_char(e.committed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
       e.committer_name, e.committer_email,
       pg_catalog.to_char(e.planned_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
       e.planner_name, e.planner_email
  FROM :"schema".events e
 WHERE (:'events'::text IS NULL OR e.event OPERATOR(pg_catalog.=) ANY (:'events'::text[]))
   AND (:'change'::text IS NULL OR e.change OPERATOR(pg_catalog.~) :'change'::text)
   AND (:'project'::text IS NULL OR e.project OPERATOR(pg_catalog.~) :'project'::text)
   AND (:'committer'::text IS NULL OR e.committer_name OPERATOR(pg_catalog.~) :'committer'::text)
