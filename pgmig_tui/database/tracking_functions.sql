-- Purpose: what version 2 has beside the guide's tables: the evidence, the head of the chain, and the functions that
--   alone write.
-- Privileges: CREATE on the schema, the owner of both tables.
-- Versions: PostgreSQL 13-18. The functions run as their owner, under a fixed search_path, and plan once a session: with
--   the values at hand the server would plan each call anew, which is most of what a step costs; `:step`, `:statements` and
--   `:proof` are the expressions of chain_step.sql, chain_statements.sql and chain_evidence.sql.
CREATE INDEX schema_audit_migration_id ON :"schema".schema_audit USING brin (migration_id) WITH (pages_per_range = 16);
CREATE TABLE :"schema".evidence (
    run_id text,
    item text NOT NULL,
    state text NOT NULL,
    summary text,
    check_name text,
    sql_hash text,
    rows jsonb,
    started_at timestamptz,
    finished_at timestamptz,
    role text,
    answered_how text,
    note text,
    answered_by text,
    program_version text,
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    recorded_at timestamptz NOT NULL,
    recorded_by text NOT NULL,
    seq bigint NOT NULL,
    prev_hash text NOT NULL,
    hash text NOT NULL
);
CREATE INDEX evidence_run_id ON :"schema".evidence (run_id);
CREATE TABLE :"schema".tracking_head (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    format integer NOT NULL,
    chain text NOT NULL,
    seq bigint NOT NULL,
    hash text NOT NULL,
    pending bigint,
    base_seq bigint NOT NULL,
    base_hash text NOT NULL,
    created_at timestamptz NOT NULL
) WITH (fillfactor = 30);
INSERT INTO :"schema".tracking_head (format, chain, seq, hash, base_seq, base_hash, created_at)
SELECT 2, c.chain, 0, c.chain, 0, c.chain, pg_catalog.clock_timestamp()
  FROM (SELECT pg_catalog.gen_random_uuid()::pg_catalog.text) AS c(chain);

CREATE FUNCTION :"schema".answer_step(answer jsonb) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan AS $pgmig$
#variable_conflict use_column
DECLARE
    head :"schema".tracking_head;
    m :"schema".schema_migrations;
    a text;
BEGIN
    -- Closes the step that waits for its verification: with what that has answered, or as it stands (NULL).
    SELECT h.* INTO head FROM :"schema".tracking_head AS h FOR UPDATE;
    SELECT x.* INTO m FROM :"schema".schema_migrations AS x WHERE x.id = head.pending;
    IF m.id IS NULL OR m.seq IS NOT NULL THEN
        RETURN NULL;
    END IF;
    IF answer IS NOT NULL THEN
        IF m.run_id IS DISTINCT FROM answer->>'run_id' OR m.change_id IS DISTINCT FROM answer->>'change_id' THEN
            RETURN NULL;
        END IF;
        m.success := (answer->>'success')::boolean;
        m.outcome := answer->>'outcome';
        m.verified := (answer->>'verified')::boolean;
        m.description := answer->>'description';
        m.sqlstate := answer->>'sqlstate';
        m.message := answer->>'message';
        m.failed_at := answer->>'failed_at';
    END IF;
    SELECT :statements INTO a FROM :"schema".schema_audit AS s WHERE s.migration_id = m.id;
    m.seq := head.seq + 1;
    m.prev_hash := head.hash;
    m.hash := encode(sha256(convert_to(:step, 'UTF8')), 'hex');
    UPDATE :"schema".schema_migrations AS x
       SET success = m.success, outcome = m.outcome, verified = m.verified, description = m.description,
           sqlstate = m.sqlstate, message = m.message, failed_at = m.failed_at, seq = m.seq,
           prev_hash = m.prev_hash, hash = m.hash
     WHERE x.id = m.id;
    UPDATE :"schema".tracking_head AS h SET seq = m.seq, hash = m.hash, pending = NULL;
    RETURN m.id;
END $pgmig$;

CREATE FUNCTION :"schema".record_step(step jsonb, statements text[]) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan AS $pgmig$
#variable_conflict use_column
DECLARE
    head :"schema".tracking_head;
    m :"schema".schema_migrations;
    a text;
    moment timestamptz;
BEGIN
    SELECT h.* INTO head FROM :"schema".tracking_head AS h FOR UPDATE;
    IF head.format IS DISTINCT FROM 2 THEN
        RAISE EXCEPTION 'the head of the tracking tables is missing, or of another version';
    END IF;
    IF head.pending IS NOT NULL AND step->>'operation' <> 'verify' THEN
        PERFORM :"schema".answer_step(NULL);
        SELECT h.* INTO head FROM :"schema".tracking_head AS h;
    END IF;
    moment := clock_timestamp();
    m := jsonb_populate_record(NULL:::"schema".schema_migrations, step);
    m.installed_on := moment;
    m.installed_by := concat(m.operator, ' as ', session_user);
    m.session_role := session_user;
    IF m.started_at > moment THEN
        m.started_at := moment;
    END IF;
    m.seq := NULL;
    m.prev_hash := NULL;
    m.hash := NULL;
    -- What the hash is over is told from what was given, and put down as text once: a RETURNING that is put together
    -- behind the INSERT takes three times as long.
    FOR n IN 1..coalesce(array_length(statements, 1), 0) LOOP
        a := concat(a, ARRAY[statements[n][1], statements[n][2], statements[n][3], statements[n][4],
            to_char(least(statements[n][6]::timestamptz, moment) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'),
            m.installed_by, statements[n][5], m.run_id, n::text, statements[n][7], statements[n][8]::integer::text,
            to_char(statements[n][9]::timestamptz AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'),
            statements[n][10]::numeric(14,3)::text, statements[n][11]::bigint::text, statements[n][12],
            statements[n][13]::jsonb::text]::text);
    END LOOP;
    IF m.outcome IS DISTINCT FROM 'unverified' THEN
        m.seq := head.seq + 1;
        m.prev_hash := head.hash;
        m.hash := encode(sha256(convert_to(:step, 'UTF8')), 'hex');
    END IF;
    INSERT INTO :"schema".schema_migrations AS x
           (version, installed_by, description, installed_on, success, execution_time, project, change_id, operation,
            outcome, verified, run_id, environment, deploy_hash, revert_hash, verify_hash, semantic_hash, sqlstate,
            message, failed_at, schema_before, schema_after, rows, started_at, session_role, operator, seq, prev_hash,
            hash)
    VALUES (m.version, m.installed_by, m.description, m.installed_on, m.success, m.execution_time, m.project,
            m.change_id, m.operation, m.outcome, m.verified, m.run_id, m.environment, m.deploy_hash, m.revert_hash,
            m.verify_hash, m.semantic_hash, m.sqlstate, m.message, m.failed_at, m.schema_before, m.schema_after,
            m.rows, m.started_at, m.session_role, m.operator, m.seq, m.prev_hash, m.hash)
    RETURNING x.id INTO m.id;
    IF m.seq IS NULL THEN
        UPDATE :"schema".tracking_head AS h SET pending = m.id;
    ELSE
        UPDATE :"schema".tracking_head AS h SET seq = m.seq, hash = m.hash;
    END IF;
    IF a IS NOT NULL THEN
        INSERT INTO :"schema".schema_audit
               (migration_id, operation_type, object_type, object_name, description, performed_at, performed_by,
                sql_statement, run_id, position, file, line, started_at, ms, rows, sqlstate, objects)
        SELECT m.id, statements[n][1], statements[n][2], statements[n][3], statements[n][4],
               least(statements[n][6]::timestamptz, moment), m.installed_by, statements[n][5], m.run_id, n,
               statements[n][7], statements[n][8]::integer, statements[n][9]::timestamptz,
               statements[n][10]::numeric(14,3), statements[n][11]::bigint, statements[n][12], statements[n][13]::jsonb
          FROM generate_series(1, array_length(statements, 1)) AS n;
    END IF;
    RETURN m.id;
END $pgmig$;

CREATE FUNCTION :"schema".record_evidence(items jsonb) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan AS $pgmig$
#variable_conflict use_column
DECLARE
    head :"schema".tracking_head;
    e :"schema".evidence;
    moment timestamptz;
BEGIN
    SELECT h.* INTO head FROM :"schema".tracking_head AS h FOR UPDATE;
    IF head.format IS DISTINCT FROM 2 THEN
        RAISE EXCEPTION 'the head of the tracking tables is missing, or of another version';
    END IF;
    moment := clock_timestamp();
    FOR e IN SELECT v.* FROM jsonb_populate_recordset(NULL:::"schema".evidence, items) AS v LOOP
        IF octet_length(e.rows::text) > 65536 THEN
            e.rows := jsonb_build_object('left_out', octet_length(e.rows::text));
        END IF;
        e.id := nextval(pg_get_serial_sequence(:'proofs', 'id'));
        e.recorded_at := moment;
        e.recorded_by := session_user;
        IF e.started_at > moment THEN
            e.started_at := moment;
        END IF;
        IF e.finished_at > moment THEN
            e.finished_at := moment;
        END IF;
        head.seq := head.seq + 1;
        e.seq := head.seq;
        e.prev_hash := head.hash;
        e.hash := encode(sha256(convert_to(:proof, 'UTF8')), 'hex');
        head.hash := e.hash;
        INSERT INTO :"schema".evidence OVERRIDING SYSTEM VALUE SELECT e.*;
    END LOOP;
    UPDATE :"schema".tracking_head AS h SET seq = head.seq, hash = head.hash;
    RETURN head.seq;
END $pgmig$;

CREATE FUNCTION :"schema".tables_shape(relations oid[]) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan AS $pgmig$
#variable_conflict use_variable
BEGIN
    RETURN (:shape);
END $pgmig$;

REVOKE ALL ON FUNCTION :"schema".record_step(jsonb, text[]), :"schema".answer_step(jsonb),
    :"schema".record_evidence(jsonb), :"schema".tables_shape(oid[]) FROM PUBLIC;

COMMENT ON TABLE :"schema".schema_migrations IS 'Core migration history: one row for every step of pgmig-tui; record_step() writes it.';
COMMENT ON COLUMN :"schema".schema_migrations.version IS 'Name of the change.';
COMMENT ON COLUMN :"schema".schema_migrations.installed_by IS 'Who ran it, and as which role.';
COMMENT ON COLUMN :"schema".schema_migrations.description IS 'What was done (deploy, revert, verify), its outcome, and the note of the change.';
COMMENT ON COLUMN :"schema".schema_migrations.installed_on IS 'When it ended.';
COMMENT ON COLUMN :"schema".schema_migrations.success IS 'Whether it was applied and verified.';
COMMENT ON COLUMN :"schema".schema_migrations.execution_time IS 'How long its script ran.';
COMMENT ON COLUMN :"schema".schema_migrations.project IS 'Sqitch project; NULL: a row of version 1 of this table.';
COMMENT ON COLUMN :"schema".schema_migrations.operation IS 'deploy, revert, verify, backfill, undo, adopt or repair.';
COMMENT ON COLUMN :"schema".schema_migrations.outcome IS 'done, failed, verify_failed, partly, in_doubt, recorded_only, adopted; unverified: it waits for its verification.';
COMMENT ON COLUMN :"schema".schema_migrations.verified IS 'What its verification said; NULL: none ran.';
COMMENT ON COLUMN :"schema".schema_migrations.deploy_hash IS 'SHA-256 of the deploy script''s bytes; revert_hash and verify_hash are of those scripts.';
COMMENT ON COLUMN :"schema".schema_migrations.failed_at IS 'File and line of what failed.';
COMMENT ON COLUMN :"schema".schema_migrations.seq IS 'Place in the chain; NULL: not closed yet.';
COMMENT ON COLUMN :"schema".schema_migrations.hash IS 'SHA-256 over prev_hash, this row and its rows of schema_audit.';
COMMENT ON TABLE :"schema".schema_audit IS 'Detailed change tracking: one row for every statement (or run of like statements) of a migration.';
COMMENT ON COLUMN :"schema".schema_audit.migration_id IS 'The migration that it belongs to.';
COMMENT ON COLUMN :"schema".schema_audit.operation_type IS 'Kind of statement.';
COMMENT ON COLUMN :"schema".schema_audit.object_type IS 'Kind of the object that it is about.';
COMMENT ON COLUMN :"schema".schema_audit.object_name IS 'The objects that it is about.';
COMMENT ON COLUMN :"schema".schema_audit.description IS 'File and line, and the count of a run of like statements.';
COMMENT ON COLUMN :"schema".schema_audit.performed_at IS 'When it ended.';
COMMENT ON COLUMN :"schema".schema_audit.performed_by IS 'Who ran it, and as which role.';
COMMENT ON COLUMN :"schema".schema_audit.sql_statement IS 'Its text, with secrets masked.';
COMMENT ON COLUMN :"schema".schema_audit.objects IS 'All objects that it names: kind, name, and the table that one belongs to.';
COMMENT ON TABLE :"schema".evidence IS 'What checks found and people answered, for each run; record_evidence() writes it.';
COMMENT ON TABLE :"schema".tracking_head IS 'The end of the chain of schema_migrations and evidence. `pgmig-tui audit verify` reads it.'
