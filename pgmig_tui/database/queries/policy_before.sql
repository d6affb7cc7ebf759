-- Purpose: the policy that the newest run of a project here was held to, and which run that was.
-- Privileges: SELECT on evidence.
-- Versions: 13-18.
SELECT (e.rows->>0)::jsonb->>'policy', coalesce(e.run_id, '')
  FROM ONLY :"schema".evidence AS e
 WHERE e.item = 'policy:text' AND (e.rows->>0)::jsonb->>'project' = :'project'
 ORDER BY e.seq DESC
 LIMIT 1
