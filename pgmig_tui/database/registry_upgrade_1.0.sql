-- Purpose: registry 0 (before Sqitch 0.998) to 1.0: releases, script_hash (a copy of the change ID until the next deploy
--   knows better), the event "merge".
-- Privileges: owner of the registry tables, CREATE on the schema.
-- Versions: PostgreSQL 13-18.
CREATE TABLE :"registry".releases (
    version real PRIMARY KEY,
    installed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    installer_name text NOT NULL,
    installer_email text NOT NULL
);
COMMENT ON TABLE :"registry".releases IS 'Sqitch registry releases.';
COMMENT ON COLUMN :"registry".releases.version IS 'Version of the Sqitch registry.';
COMMENT ON COLUMN :"registry".releases.installed_at IS 'Date the registry release was installed.';
COMMENT ON COLUMN :"registry".releases.installer_name IS 'Name of the user who installed the registry release.';
COMMENT ON COLUMN :"registry".releases.installer_email IS 'Email address of the user who installed the registry release.';
ALTER TABLE :"registry".changes ADD COLUMN script_hash text UNIQUE;
UPDATE :"registry".changes SET script_hash = change_id;
COMMENT ON COLUMN :"registry".changes.script_hash IS 'Deploy script SHA-1 hash.';
ALTER TABLE :"registry".events
    DROP CONSTRAINT events_event_check,
    ADD CONSTRAINT events_event_check CHECK (event IN ('deploy', 'revert', 'fail', 'merge'));
