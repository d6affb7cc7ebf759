-- Revert documents:20250127_0001_create_search_documents from pg
--
-- Why:      Undoes the search function.
-- Risk:     Searching fails from now on.
-- Rollback: Deploy again; a function holds no data.

BEGIN;

DROP FUNCTION dms.search_documents(text);

COMMIT;
