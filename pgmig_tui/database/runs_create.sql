-- Purpose: the runs of every account and host, with a heartbeat, so that others can see what works here.
-- Privileges: CREATE on the schema. The schema itself is made by the caller, who knows whether it exists.
-- Versions: 13-18. A low fillfactor and no index beside the key's: a row is updated often, and in place.
CREATE TABLE IF NOT EXISTS :"schema".runs (
    run_id text PRIMARY KEY,
    command text NOT NULL,
    project text NOT NULL,
    environment text NOT NULL,
    host text NOT NULL,
    os_user text NOT NULL,
    operator text NOT NULL,
    role text NOT NULL DEFAULT session_user,
    steps integer NOT NULL,
    started_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    heartbeat_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    state text NOT NULL DEFAULT 'running',
    step integer,
    change text,
    place text,
    statement text,
    exit_status integer,
    finished_at timestamptz
) WITH (fillfactor = 30);
COMMENT ON TABLE :"schema".runs IS 'One row for every run of pgmig-tui that changes something; `pgmig-tui attach TARGET` reads it.';
COMMENT ON COLUMN :"schema".runs.heartbeat_at IS 'Last heartbeat, by this server''s clock. An old one proves nothing but its age.';
COMMENT ON COLUMN :"schema".runs.state IS 'running, paused or finished, as the run itself said last.';
COMMENT ON COLUMN :"schema".runs.step IS 'The step under way, or the last one; its change, file and line, and masked statement follow.';
COMMENT ON COLUMN :"schema".runs.exit_status IS 'As the command''s: 0 done, 1 failed, 3 refused or stopped, 4 in doubt.';
