-- Verify documents:20250311_0001_fill_search_vector on pg
--
-- Why:      Done means that no document is left without search_vector. An empty table has none left either way, so the
--           procedure counts, too.
-- Risk:     none; it only reads.
-- Rollback: nothing to undo.

BEGIN;

SELECT pg_catalog.has_function_privilege('dms.fill_search_vector(integer)', 'execute');

DO $$
BEGIN
    IF EXISTS (SELECT FROM dms.documents WHERE documents.search_vector IS NULL) THEN
        RAISE EXCEPTION 'documents without search_vector are left; run: CALL dms.fill_search_vector(10000)';
    END IF;
END;
$$;

ROLLBACK;
