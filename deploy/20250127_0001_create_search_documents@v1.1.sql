-- Deploy documents:20250127_0001_create_search_documents to pg
-- requires: 20250115_0001_create_documents
--
-- Why:      One function to search with, so that how it searches can change without touching the application.
-- Risk:     None: it only adds. It reads the whole table; fine for the first ten thousand documents.
-- Rollback: The revert drops the function.

BEGIN;

CREATE OR REPLACE FUNCTION dms.search_documents(wanted text) RETURNS TABLE (id bigint, title text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT documents.id, documents.title
      FROM dms.documents
     WHERE pg_catalog.strpos(pg_catalog.lower(documents.title), pg_catalog.lower(wanted)) > 0
     ORDER BY documents.title, documents.id
$$;

COMMIT;
