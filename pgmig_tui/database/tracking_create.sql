-- Purpose: the migration guide's two tracking tables, its six and eight columns first, then ours.
-- Privileges: CREATE on the schema. The schema itself is made by the caller, who knows whether it exists.
-- Versions: PostgreSQL 13-18. No foreign key between the two: the chain of `tracking_functions.sql` tells which rows
--   belong together, at a tenth of the price.
CREATE TABLE :"schema".schema_migrations (
    version text NOT NULL,
    installed_by text NOT NULL DEFAULT session_user,
    description text,
    installed_on timestamptz NOT NULL DEFAULT clock_timestamp(),
    success boolean NOT NULL,
    execution_time interval NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project text,
    change_id text,
    operation text,
    outcome text,
    verified boolean,
    run_id text,
    environment text,
    deploy_hash text,
    revert_hash text,
    verify_hash text,
    semantic_hash text,
    sqlstate text,
    message text,
    failed_at text,
    schema_before text,
    schema_after text,
    rows bigint,
    started_at timestamptz,
    session_role text,
    operator text,
    seq bigint,
    prev_hash text,
    hash text
);

CREATE TABLE :"schema".schema_audit (
    migration_id bigint NOT NULL,
    operation_type text NOT NULL,
    object_type text,
    object_name text,
    description text,
    performed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    performed_by text NOT NULL DEFAULT session_user,
    sql_statement text,
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id text,
    position integer,
    file text,
    line integer,
    started_at timestamptz,
    ms numeric(14,3),
    rows bigint,
    sqlstate text,
    objects jsonb
);
