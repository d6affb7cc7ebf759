-- Purpose: the tags of a project (of all with NULL) that are in the registry, in order of their times (UTC).
-- Privileges: USAGE on the registry schema, SELECT on tags.
-- Versions: 13-18.
SELECT t.change_id, t.tag_id, t.tag,
       pg_catalog.to_char(t.committed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
  FROM :"schema".tags t
 WHERE :'project'::text IS NULL OR t.project = :'project'::text
 ORDER BY t.committed_at, t.tag
