-- Revert documents:20250210_0001_add_document_tags from pg
--
-- Why:      Undoes the column.
-- Risk:     All tags are lost. ACCESS EXCLUSIVE on dms.documents for milliseconds.
-- Rollback: Deploy again; the tags come back from a backup only.

BEGIN;

ALTER TABLE dms.documents
    DROP COLUMN tags;

COMMIT;
