-- Revert documents:20250310_0001_add_search_vector from pg
--
-- Why:      Undoes column, trigger and functions.
-- Risk:     Low: what is lost can be derived again. ACCESS EXCLUSIVE on dms.documents for milliseconds.
-- Rollback: Deploy this change and the next again.

BEGIN;

DROP TRIGGER documents_set_search_vector ON dms.documents;
DROP FUNCTION dms.set_search_vector();
DROP FUNCTION dms.document_vector(text, text);

ALTER TABLE dms.documents
    DROP COLUMN search_vector;

COMMIT;
