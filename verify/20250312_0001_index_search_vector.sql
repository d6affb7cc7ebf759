-- Verify documents:20250312_0001_index_search_vector on pg
--
-- Why:      An index that failed halfway exists and is never used: indisvalid tells.
-- Risk:     none; it only reads.
-- Rollback: nothing to undo.

BEGIN;

DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_index
         WHERE indexrelid = pg_catalog.to_regclass('dms.documents_search_vector_idx')
           AND indisvalid
    ) THEN
        RAISE EXCEPTION 'index dms.documents_search_vector_idx is missing or invalid';
    END IF;
END;
$$;

ROLLBACK;
