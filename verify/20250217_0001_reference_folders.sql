-- Verify documents:20250217_0001_reference_folders on pg
--
-- Why:      A query on the catalog returns no row, and no error, when the constraint is missing: it has to raise one.
-- Risk:     none; it only reads.
-- Rollback: nothing to undo.

BEGIN;

DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_constraint
         WHERE conrelid = 'dms.documents'::pg_catalog.regclass
           AND confrelid = 'dms.folders'::pg_catalog.regclass
           AND conname = 'documents_folder_id_fkey'
    ) THEN
        RAISE EXCEPTION 'foreign key documents_folder_id_fkey on dms.documents is missing';
    END IF;
END;
$$;

ROLLBACK;
