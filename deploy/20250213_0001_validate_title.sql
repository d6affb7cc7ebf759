-- Deploy documents:20250213_0001_validate_title to pg
-- requires: 20250212_0001_require_title
--
-- Why:      Proves for the existing documents what documents_title_check demands of new ones.
-- Risk:     Low. Reads the whole table under SHARE UPDATE EXCLUSIVE, which lets reads and writes pass. Fails, and
--           changes nothing, when a blank title exists: SELECT id FROM dms.documents WHERE btrim(title) = '' finds it.
-- Rollback: The revert makes the constraint NOT VALID again.

BEGIN;

ALTER TABLE dms.documents
    VALIDATE CONSTRAINT documents_title_check;

COMMIT;
