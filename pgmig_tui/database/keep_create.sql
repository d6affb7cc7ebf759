-- Purpose: the catalogue of what was kept before reverts, so that it can be brought back and, one day, dropped.
-- Privileges: CREATE on the schema.
-- Versions: 13-18.
CREATE TABLE :"schema".kept (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run text NOT NULL,
    step integer NOT NULL,
    project text NOT NULL,
    change text NOT NULL,
    change_id text NOT NULL,
    kind text NOT NULL,
    source_schema text NOT NULL,
    source_table text NOT NULL,
    columns text[] NOT NULL,
    key text[] NOT NULL,
    keep_table text NOT NULL,
    rows bigint NOT NULL,
    checksum numeric NOT NULL,
    script_hash text NOT NULL,
    ddl text,
    grants jsonb,
    sequences jsonb NOT NULL,
    xid text NOT NULL,
    saved_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    saved_by text NOT NULL,
    expires_at timestamptz NOT NULL,
    restored_at timestamptz,
    restored_by text
);
REVOKE ALL ON :"schema".kept FROM PUBLIC;
COMMENT ON TABLE :"schema".kept IS 'pgmig-tui: what was kept before reverts destroyed it. `pgmig-tui undo RUN` brings it back.';
COMMENT ON COLUMN :"schema".kept.kind IS 'column or values: key and columns of the source; table or rows: all of it; sequence: its state only.';
COMMENT ON COLUMN :"schema".kept.checksum IS 'Sum of hashtextextended(row::text, 0) over the kept rows, whatever their order.';
COMMENT ON COLUMN :"schema".kept.script_hash IS 'SHA-1 of the revert script that followed.';
COMMENT ON COLUMN :"schema".kept.ddl IS 'What made the table, for people: undo needs the change deployed again.';
COMMENT ON COLUMN :"schema".kept.xid IS 'The transaction that reverted.';
COMMENT ON COLUMN :"schema".kept.expires_at IS 'From then on it may be dropped; nothing drops it by itself.'
