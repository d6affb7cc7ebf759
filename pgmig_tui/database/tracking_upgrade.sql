-- Purpose: what version 1 made becomes version 2, in place: new columns, and what the description of each row says.
--   Rows of version 1 keep what they say, and have no project: that marks them.
-- Privileges: the owner of both tables.
-- Versions: PostgreSQL 13-18.
LOCK TABLE :"schema".schema_migrations, :"schema".schema_audit IN ACCESS EXCLUSIVE MODE;
ALTER TABLE :"schema".schema_migrations
    ADD project text, ADD change_id text, ADD operation text, ADD outcome text, ADD verified boolean, ADD run_id text,
    ADD environment text, ADD deploy_hash text, ADD revert_hash text, ADD verify_hash text, ADD semantic_hash text,
    ADD sqlstate text, ADD message text, ADD failed_at text, ADD schema_before text, ADD schema_after text,
    ADD rows bigint, ADD started_at timestamptz, ADD session_role text, ADD operator text, ADD seq bigint,
    ADD prev_hash text, ADD hash text;
ALTER TABLE :"schema".schema_audit
    ADD run_id text, ADD position integer, ADD file text, ADD line integer, ADD started_at timestamptz,
    ADD ms numeric(14,3), ADD rows bigint, ADD sqlstate text, ADD objects jsonb,
    DROP CONSTRAINT IF EXISTS schema_audit_migration_id_fkey;
UPDATE ONLY :"schema".schema_migrations AS m
   SET operation = f.told[1],
       outcome = CASE WHEN f.told[2] LIKE '%partly applied' THEN 'partly' WHEN f.told[2] LIKE '%not applied' THEN 'failed'
                      WHEN f.told[2] LIKE 'cut off%' THEN 'in_doubt' WHEN f.told[2] <> '' THEN f.told[2]
                      WHEN m.success THEN 'done' ELSE 'failed' END
  FROM (SELECT o.id, pg_catalog.regexp_match(o.description,
                       '^(deploy|revert|verify)(?: (failed|verify_failed|unverified|cut off, [a-z_ ]+?))? [0-9a-f]{8}(?:$|: )')
          FROM :"schema".schema_migrations o) AS f(id, told)
 WHERE f.id = m.id AND f.told IS NOT NULL
