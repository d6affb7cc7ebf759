-- Deploy documents:20250210_0001_add_document_tags to pg
-- requires: 20250115_0001_create_documents
--
-- Why:      Users want to find documents by words that they chose themselves.
-- Risk:     Low. A constant default is stored in the catalog, so no row is rewritten; ACCESS EXCLUSIVE on dms.documents
--           for milliseconds, after waiting for the transactions that use it.
-- Rollback: The revert drops the column with all tags.

BEGIN;

ALTER TABLE dms.documents
    ADD COLUMN tags text[] NOT NULL DEFAULT '{}';

COMMIT;
