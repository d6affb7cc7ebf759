-- Purpose: changes that must not be deployed here until somebody has lifted that: what a rollback took back.
-- Privileges: CREATE on the schema.
-- Versions: 13-18.
CREATE TABLE IF NOT EXISTS :"schema".do_not_deploy (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project text NOT NULL,
    change text NOT NULL,
    change_id text NOT NULL,
    reason text NOT NULL,
    run text NOT NULL,
    marked_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    marked_by text NOT NULL,
    lifted_at timestamptz,
    lifted_by text,
    lift_reason text
);
COMMENT ON TABLE :"schema".do_not_deploy IS 'Changes that a rollback took back: not to be deployed until `pgmig-tui rollback TARGET --lift CHANGE=REASON`.';
