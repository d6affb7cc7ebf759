-- Revert documents:20250116_0001_create_document_versions from pg
--
-- Why:      Undoes the creation of the versions table.
-- Risk:     All earlier versions of all documents are lost.
-- Rollback: Deploy again; the rows come back from a backup only.

BEGIN;

DROP TABLE dms.document_versions;

COMMIT;
