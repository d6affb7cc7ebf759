-- Purpose: deployed changes, of any project, that require one of those about to be reverted and stay themselves.
-- Privileges: USAGE on the registry schema, SELECT on changes, dependencies and tags.
-- Versions: 13-18. The tag is the first one deployed at or after the change: what Sqitch prints to tell reworks apart.
SELECT d.dependency_id, c.change_id, c.project, c.change,
       (SELECT t.tag
          FROM :"schema".changes c2
          JOIN :"schema".tags t ON t.change_id = c2.change_id
         WHERE c2.project = c.project AND c2.committed_at >= c.committed_at
         ORDER BY c2.committed_at
         LIMIT 1)
  FROM :"schema".dependencies d
  JOIN :"schema".changes c ON c.change_id = d.change_id
 WHERE d.dependency_id = ANY (:ids) AND c.change_id <> ALL (:ids)
 ORDER BY c.committed_at
