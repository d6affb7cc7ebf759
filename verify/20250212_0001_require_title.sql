-- Verify documents:20250212_0001_require_title on pg
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
           AND conname = 'documents_title_check'
           AND contype = 'c'
    ) THEN
        RAISE EXCEPTION 'constraint documents_title_check on dms.documents is missing';
    END IF;
END;
$$;

ROLLBACK;
