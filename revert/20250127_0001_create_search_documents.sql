-- Revert documents:20250127_0001_create_search_documents from pg
--
-- Why:      Brings back the search of v1.1, which looks for a piece of text in the title.
-- Risk:     Searches read the whole table again.
-- Rollback: Deploy again.

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
