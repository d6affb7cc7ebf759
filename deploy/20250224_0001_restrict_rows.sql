-- Deploy documents:20250224_0001_restrict_rows to pg
-- requires: 20250122_0001_create_published_documents
--
-- Why:      Reporting tools connect by themselves now. The database has to hold the rule that only the application
--           held: readers see published documents, editors their own.
-- Risk:     Medium. Sessions of the two roles see fewer rows from this moment; the owner sees all, as before. ACCESS
--           EXCLUSIVE on dms.documents for milliseconds.
-- Rollback: The revert removes policies and grants. It leaves the roles, which belong to the whole cluster: other
--           databases may use them.

BEGIN;

DO $$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['dms_reader', 'dms_editor'] LOOP
        BEGIN
            EXECUTE pg_catalog.format('CREATE ROLE %I NOLOGIN', role_name);
        EXCEPTION
            -- There already, or another database of the cluster gets this change at the same moment.
            WHEN duplicate_object OR unique_violation THEN NULL;
        END;
    END LOOP;
END;
$$;

GRANT USAGE ON SCHEMA dms TO dms_reader, dms_editor;
GRANT SELECT ON dms.users, dms.folders, dms.documents, dms.published_documents TO dms_reader, dms_editor;
GRANT INSERT, UPDATE, DELETE ON dms.documents TO dms_editor;

CREATE POLICY documents_read_published ON dms.documents
    FOR SELECT TO dms_reader
    USING (status = 'published');

CREATE POLICY documents_edit_own ON dms.documents
    FOR ALL TO dms_editor
    USING (owner_id = pg_catalog.current_setting('dms.user_id')::bigint)
    WITH CHECK (owner_id = pg_catalog.current_setting('dms.user_id')::bigint);

ALTER TABLE dms.documents ENABLE ROW LEVEL SECURITY;

COMMIT;
