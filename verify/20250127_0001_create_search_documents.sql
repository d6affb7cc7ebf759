-- Verify documents:20250127_0001_create_search_documents on pg
--
-- Why:      The function of v1.1 has the same name and arguments: only what it does tells the two apart.
-- Risk:     none; it only reads.
-- Rollback: nothing to undo.

BEGIN;

DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_proc
         WHERE oid = pg_catalog.to_regprocedure('dms.search_documents(text)')
           AND pg_catalog.strpos(prosrc, 'search_vector') > 0
    ) THEN
        RAISE EXCEPTION 'dms.search_documents(text) is missing, or is still the one of v1.1';
    END IF;
END;
$$;

ROLLBACK;
