-- Purpose: who has approved, rejected or revoked what, in rows that nobody changes: `pgmig-tui approve TARGET --create`.
--   Who inserts may not write `session_role`, `system_identity` and `given_at` (privileges on single columns), so they
--   are the server's. system_user, which no SET changes, is there from 16 on: `database.approvals` makes it the default.
-- Privileges: CREATE on the schema.
-- Versions: 13-18.
CREATE TABLE :"schema".approvals (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project text NOT NULL,
    environment text NOT NULL,
    decision text NOT NULL,
    role text NOT NULL,
    payload text NOT NULL,
    signature text,
    revokes bigint,
    given_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    session_role text NOT NULL DEFAULT session_user,
    system_identity text
);
COMMENT ON TABLE :"schema".approvals IS 'Approvals of deploys: one row for each decision that was given, and for each that was revoked.';
COMMENT ON COLUMN :"schema".approvals.payload IS 'What was decided on, as JSON; the text that a signature is of.';
COMMENT ON COLUMN :"schema".approvals.session_role IS 'The role that was logged in.';
COMMENT ON COLUMN :"schema".approvals.system_identity IS 'How it was authenticated, and as whom: system_user, from PostgreSQL 16 on.'
