-- Verify documents:20250310_0001_add_search_vector on pg
--
-- Why:      A missing column or function raises an error by itself; a missing trigger doesn't.
-- Risk:     none; it only reads.
-- Rollback: nothing to undo.

BEGIN;

SELECT search_vector FROM dms.documents WHERE FALSE;
SELECT pg_catalog.has_function_privilege('dms.document_vector(text, text)', 'execute');

DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_trigger
         WHERE tgrelid = 'dms.documents'::pg_catalog.regclass
           AND tgname = 'documents_set_search_vector'
           AND tgenabled = 'O'
    ) THEN
        RAISE EXCEPTION 'trigger documents_set_search_vector on dms.documents is missing or disabled';
    END IF;
END;
$$;

ROLLBACK;
