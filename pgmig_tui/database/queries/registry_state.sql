-- Purpose: registry version, deployed changes and their tags, in one round trip and without an error where there is no
--   registry (a failing SELECT would put an ERROR into the server's log at every look). It is the body of a DO block;
--   the three cursors are fetched by the statements after it, in the same simple query.
-- Privileges: USAGE on the registry schema, SELECT on changes, tags and releases; none when the schema is absent.
-- Versions: 13-18; registries of Sqitch 0 (no releases, no script_hash), 1.0 and 1.1. Works on a standby.
DECLARE
  versions refcursor := 'pgmig_version';
  changes refcursor := 'pgmig_changes';
  tags refcursor := 'pgmig_tags';
  present boolean;
  has_releases boolean;
  hash text;
BEGIN
  SELECT pg_catalog.bool_or(c.relname = 'changes'), pg_catalog.bool_or(c.relname = 'releases'),
         CASE WHEN pg_catalog.bool_or(c.relname = 'changes' AND a.attname IS NOT NULL)
              THEN 'c.script_hash' ELSE 'NULL::text' END
    INTO present, has_releases, hash
    FROM pg_catalog.pg_namespace n
    JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relkind IN ('r', 'p')
    LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = 'script_hash' AND NOT a.attisdropped
   WHERE n.nspname = :'schema' AND c.relname IN ('changes', 'releases');
  IF present IS NOT TRUE THEN
    OPEN versions FOR SELECT NULL::text;
    OPEN changes FOR SELECT 1 WHERE false;
    OPEN tags FOR SELECT 1 WHERE false;
  ELSE
    IF has_releases THEN
      OPEN versions FOR SELECT coalesce((SELECT pg_catalog.max(r.version)::text FROM :"schema".releases r), '0');
    ELSE
      OPEN versions FOR SELECT '0';
    END IF;
    OPEN changes FOR EXECUTE 'SELECT c.change_id, ' || hash || ', c.change, c.project, c.note,
        pg_catalog.to_char(c.committed_at AT TIME ZONE ''UTC'', ''YYYY-MM-DD"T"HH24:MI:SS.US"Z"''),
        c.committer_name, c.committer_email,
        pg_catalog.to_char(c.planned_at AT TIME ZONE ''UTC'', ''YYYY-MM-DD"T"HH24:MI:SS"Z"''),
        c.planner_name, c.planner_email
      FROM ' || pg_catalog.quote_ident(:'schema') || '.changes c
      WHERE $1 IS NULL OR c.project = $1 ORDER BY c.committed_at, c.change_id' USING :'project'::text;
    OPEN tags FOR SELECT t.change_id, t.tag_id, t.tag,
        pg_catalog.to_char(t.committed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
      FROM :"schema".tags t
      WHERE :'project'::text IS NULL OR t.project = :'project'::text ORDER BY t.committed_at, t.tag;
  END IF;
END
