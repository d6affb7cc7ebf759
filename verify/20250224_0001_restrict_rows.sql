-- Verify documents:20250224_0001_restrict_rows on pg
--
-- Why:      Nothing fails by itself when rows are not restricted: each part has to raise an error when it is missing.
-- Risk:     none; it only reads.
-- Rollback: nothing to undo.

BEGIN;

DO $$
BEGIN
    IF NOT (SELECT relrowsecurity FROM pg_catalog.pg_class WHERE oid = 'dms.documents'::pg_catalog.regclass) THEN
        RAISE EXCEPTION 'row-level security of dms.documents is off';
    END IF;
    IF ARRAY['documents_edit_own', 'documents_read_published']::name[] <> ARRAY(
        SELECT polname FROM pg_catalog.pg_policy
         WHERE polrelid = 'dms.documents'::pg_catalog.regclass
         ORDER BY polname
    ) THEN
        RAISE EXCEPTION 'the policies of dms.documents are not the two that belong there';
    END IF;
    IF NOT pg_catalog.has_table_privilege('dms_reader', 'dms.published_documents', 'select')
        OR NOT pg_catalog.has_table_privilege('dms_editor', 'dms.documents', 'select, insert, update, delete')
        OR pg_catalog.has_table_privilege('dms_reader', 'dms.documents', 'insert, update, delete')
    THEN
        RAISE EXCEPTION 'the grants to dms_reader and dms_editor are not the ones that belong there';
    END IF;
END;
$$;

ROLLBACK;
