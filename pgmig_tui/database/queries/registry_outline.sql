-- Purpose: the deployed changes of a project (of all with NULL) in order of deployment, as three arrays (IDs, names,
--   script hashes), and all columns of the last one: an answer of one row, for ten thousand rows take longer to read
--   than to ask for.
-- Privileges: USAGE on the registry schema, SELECT on changes.
-- Versions: 13-18. A registry of version 0 has no script_hash: the caller puts NULL in its place.
WITH deployed AS MATERIALIZED (
  SELECT c.change_id, c.change, c.script_hash AS script_hash, c.committed_at
    FROM :"schema".changes c
   WHERE :'project'::text IS NULL OR c.project = :'project'::text
   ORDER BY c.committed_at, c.change_id
)
SELECT a.*, l.*
  FROM (SELECT pg_catalog.array_agg(d.change_id), pg_catalog.array_agg(d.change), pg_catalog.array_agg(d.script_hash)
          FROM deployed d) a
  LEFT JOIN LATERAL (
    SELECT c.change_id, c.script_hash, c.change, c.project, c.note,
           pg_catalog.to_char(c.committed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
           c.committer_name, c.committer_email,
           pg_catalog.to_char(c.planned_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
           c.planner_name, c.planner_email
      FROM :"schema".changes c
     WHERE c.change_id = (SELECT d.change_id FROM deployed d ORDER BY d.committed_at DESC, d.change_id DESC LIMIT 1)
  ) l ON true
