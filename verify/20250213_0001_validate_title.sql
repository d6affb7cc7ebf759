-- Verify documents:20250213_0001_validate_title on pg
--
-- Why:      Only convalidated tells a proven constraint from one that existing rows may break.
-- Risk:     none; it only reads.
-- Rollback: nothing to undo.

BEGIN;

DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_constraint
         WHERE conrelid = 'dms.documents'::pg_catalog.regclass
           AND conname = 'documents_title_check'
           AND convalidated
    ) THEN
        RAISE EXCEPTION 'constraint documents_title_check on dms.documents is missing or not validated';
    END IF;
END;
$$;

ROLLBACK;
