-- Purpose: the migration guide's two tracking tables, with a key each.
-- Privileges: CREATE on the schema. The schema itself is made by the caller, who knows whether it exists.
-- Versions: PostgreSQL 13-18.
CREATE TABLE :"schema".schema_migrations (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    version text NOT NULL,
    installed_by text NOT NULL DEFAULT session_user,
    description text,
    installed_on timestamptz NOT NULL DEFAULT clock_timestamp(),
    success boolean NOT NULL,
    execution_time interval NOT NULL
);
COMMENT ON TABLE :"schema".schema_migrations IS 'Core migration history: one row for every script that pgmig-tui ran.';
COMMENT ON COLUMN :"schema".schema_migrations.version IS 'Name of the change.';
COMMENT ON COLUMN :"schema".schema_migrations.installed_by IS 'Who ran it, and as which role.';
COMMENT ON COLUMN :"schema".schema_migrations.description IS 'What was done (deploy, revert, verify), its outcome, and the note of the change.';
COMMENT ON COLUMN :"schema".schema_migrations.installed_on IS 'When it ended.';
COMMENT ON COLUMN :"schema".schema_migrations.success IS 'Whether it was applied and verified.';
COMMENT ON COLUMN :"schema".schema_migrations.execution_time IS 'How long its script ran.';

CREATE TABLE :"schema".schema_audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    migration_id bigint NOT NULL REFERENCES :"schema".schema_migrations (id),
    operation_type text NOT NULL,
    object_type text,
    object_name text,
    description text,
    performed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    performed_by text NOT NULL DEFAULT session_user,
    sql_statement text
);
COMMENT ON TABLE :"schema".schema_audit IS 'Detailed change tracking: one row for every statement (or run of like statements) of a migration.';
COMMENT ON COLUMN :"schema".schema_audit.migration_id IS 'The migration that it belongs to.';
COMMENT ON COLUMN :"schema".schema_audit.operation_type IS 'Kind of statement.';
COMMENT ON COLUMN :"schema".schema_audit.object_type IS 'Kind of the object that it names.';
COMMENT ON COLUMN :"schema".schema_audit.object_name IS 'The object that it names.';
COMMENT ON COLUMN :"schema".schema_audit.description IS 'File and line, and the count of a run of like statements.';
COMMENT ON COLUMN :"schema".schema_audit.performed_at IS 'When it ended.';
COMMENT ON COLUMN :"schema".schema_audit.performed_by IS 'Who ran it, and as which role.';
COMMENT ON COLUMN :"schema".schema_audit.sql_statement IS 'Its text, with secrets masked.';
