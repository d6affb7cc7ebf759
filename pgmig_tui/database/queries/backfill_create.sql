-- Purpose: how far backfills have come: one row for each, written in the transaction of every batch.
-- Privileges: CREATE on the schema. The schema itself is made by the caller, who knows whether it exists.
-- Versions: 13-18. A low fillfactor and no index beside the key's: the row is updated often, and in place.
CREATE TABLE :"schema".backfill_progress (
    run_id text PRIMARY KEY,
    last_run text NOT NULL,
    statement_hash text NOT NULL,
    statement text NOT NULL,
    relation text NOT NULL,
    key_columns text NOT NULL,
    last_key text NOT NULL,
    until_key text NOT NULL,
    rows_changed bigint NOT NULL DEFAULT 0,
    rows_seen bigint NOT NULL DEFAULT 0,
    batches bigint NOT NULL DEFAULT 0,
    started_by text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    finished_at timestamptz
) WITH (fillfactor = 20);
COMMENT ON TABLE :"schema".backfill_progress IS 'How far data migrations in batches have come; written in the transaction of every batch.';
COMMENT ON COLUMN :"schema".backfill_progress.run_id IS 'The run that began it.';
COMMENT ON COLUMN :"schema".backfill_progress.last_run IS 'The run that went on with it last.';
COMMENT ON COLUMN :"schema".backfill_progress.statement_hash IS 'What it carries out: table, key and statement.';
COMMENT ON COLUMN :"schema".backfill_progress.statement IS 'The statement, with secrets masked; for readers only.';
COMMENT ON COLUMN :"schema".backfill_progress.last_key IS 'Rows up to this key are done; a JSON array of texts, [] for none.';
COMMENT ON COLUMN :"schema".backfill_progress.until_key IS 'The highest key when it began: rows beyond it are not its business.';
COMMENT ON COLUMN :"schema".backfill_progress.rows_changed IS 'Rows that the statement changed.';
COMMENT ON COLUMN :"schema".backfill_progress.rows_seen IS 'Rows of the table that it has passed.';
