-- Verify documents:20250127_0001_create_search_documents on pg
--
-- Why:      has_function_privilege() raises an error when there is no such function.
-- Risk:     none; it only reads.
-- Rollback: nothing to undo.

BEGIN;

SELECT pg_catalog.has_function_privilege('dms.search_documents(text)', 'execute');

ROLLBACK;
