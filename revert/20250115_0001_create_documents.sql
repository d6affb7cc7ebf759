-- Revert documents:20250115_0001_create_documents from pg
--
-- Why:      Undoes the creation of the documents table.
-- Risk:     All documents are lost.
-- Rollback: Deploy again; the rows come back from a backup only.

BEGIN;

DROP TABLE dms.documents;

COMMIT;
