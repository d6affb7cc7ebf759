-- Revert documents:20250213_0001_validate_title from pg
--
-- Why:      Makes the constraint NOT VALID again. There is no command for that: it is dropped and added.
-- Risk:     Low. Nothing is scanned; ACCESS EXCLUSIVE on dms.documents for milliseconds.
-- Rollback: Deploy again.

BEGIN;

ALTER TABLE dms.documents
    DROP CONSTRAINT documents_title_check,
    ADD CONSTRAINT documents_title_check CHECK (pg_catalog.btrim(title) <> '') NOT VALID;

COMMIT;
