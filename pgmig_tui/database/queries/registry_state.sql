-- Purpose: registry version, deployed changes and their tags, in one round trip and without an error where there is no
--   registry (a failing SELECT would put an ERROR into the server's log at every look). It is the body of a DO block;
--   the three cursors are fetched by the statements after it, in the same simple query. The texts of the queries come
--   from the files registry_shape, registry_changes and registry_tags, and look is own_tables.read_look_sql's: it raises
--   where reading would run code of others, and the lock keeps what it saw.
-- Privileges: USAGE on the registry schema, SELECT on changes, tags and releases; none when the schema is absent. USAGE
--   on language plpgsql, which everybody has unless somebody took it away.
-- Versions: 13-18; registries of Sqitch 0 (no releases, no script_hash), 1.0 and 1.1. Works on a standby.
DECLARE
  versions refcursor := 'pgmig_version';
  changes refcursor := 'pgmig_changes';
  tags refcursor := 'pgmig_tags';
  present boolean;
  has_releases boolean;
  has_hash boolean;
BEGIN
  EXECUTE :'shape' INTO present, has_releases, has_hash;
  IF present THEN
    EXECUTE :'look';
    EXECUTE :'lock';
    IF has_releases THEN EXECUTE :'lock_releases'; END IF;
    EXECUTE :'look';
  END IF;
  IF NOT present THEN
    OPEN versions FOR SELECT NULL::text;
    OPEN changes FOR SELECT 1 WHERE false;
    OPEN tags FOR SELECT 1 WHERE false;
  ELSE
    OPEN versions FOR EXECUTE CASE WHEN has_releases THEN :'version' ELSE :'no_version' END;
    OPEN changes FOR EXECUTE CASE WHEN has_hash THEN :'changes' ELSE :'old_changes' END;
    OPEN tags FOR EXECUTE :'tags';
  END IF;
END
