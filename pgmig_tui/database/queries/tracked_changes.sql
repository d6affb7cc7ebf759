-- Purpose: what our rows say of changes in another environment: each deploy and verification since `:since` (seconds
--   since 1970) of the changes `:names`, and how it ended. Rows of version 1 say it in their description, and not
--   whether it was verified. A row without a place in the chain is one that waits for its verification, or was put there by
--   hand: it says that no verification passed.
-- Privileges: SELECT on schema_migrations.
-- Versions: 13-18.
SELECT m.version, coalesce(m.operation, d.words[1]), coalesce(m.outcome, d.words[2], ''),
       coalesce(pg_catalog.substr(m.change_id, 1, 8), d.words[3]), m.success, CASE WHEN m.seq IS NOT NULL THEN m.verified END,
       extract(epoch FROM m.installed_on)::float8, coalesce(m.semantic_hash, ''), m.id
  FROM :"tracking".schema_migrations AS m
  LEFT JOIN LATERAL pg_catalog.regexp_match(m.description, '^(deploy|verify) (?:([a-z_]+) )?([0-9a-f]{8})(?::|$)')
       AS d(words) ON m.change_id IS NULL
 WHERE m.version OPERATOR(pg_catalog.=) ANY (:names)
   AND (m.seq IS NOT NULL OR m.outcome OPERATOR(pg_catalog.=) 'unverified' AND m.operation OPERATOR(pg_catalog.=) 'deploy')
   AND m.installed_on OPERATOR(pg_catalog.>=) pg_catalog.to_timestamp(:since)
 ORDER BY m.id
