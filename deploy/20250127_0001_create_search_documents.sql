-- Deploy documents:20250127_0001_create_search_documents to pg
-- requires: 20250127_0001_create_search_documents@v1.1
-- requires: 20250311_0001_fill_search_vector
-- requires: 20250312_0001_index_search_vector
--
-- Why:      Full-text search finds words in title and text, in any form and order, and the best match first. Same name,
--           same arguments: the application needn't know.
-- Risk:     Low. Replacing a function is instant; running searches finish as they began.
-- Rollback: The revert brings back the search of v1.1.

BEGIN;

CREATE OR REPLACE FUNCTION dms.search_documents(wanted text) RETURNS TABLE (id bigint, title text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT documents.id, documents.title
      FROM dms.documents, pg_catalog.websearch_to_tsquery('pg_catalog.english', wanted) AS query
     WHERE documents.search_vector @@ query
     ORDER BY pg_catalog.ts_rank(documents.search_vector, query) DESC, documents.id
$$;

COMMIT;
