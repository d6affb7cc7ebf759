-- Verify documents:20250218_0001_validate_folder_reference on pg
--
-- Why:      Only convalidated tells a proven foreign key from one that existing rows may break.
-- Risk:     none; it only reads.
-- Rollback: nothing to undo.

BEGIN;

DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_constraint
         WHERE conrelid = 'dms.documents'::pg_catalog.regclass
           AND conname = 'documents_folder_id_fkey'
           AND convalidated
    ) THEN
        RAISE EXCEPTION 'foreign key documents_folder_id_fkey on dms.documents is missing or not validated';
    END IF;
END;
$$;

ROLLBACK;
