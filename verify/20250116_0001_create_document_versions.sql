-- Verify documents:20250116_0001_create_document_versions on pg
--
-- Why:      Naming a column that doesn't exist raises an error, even where no row is read.
-- Risk:     none; it only reads.
-- Rollback: nothing to undo.

BEGIN;

SELECT document_id, version, body, saved_by, saved_at FROM dms.document_versions WHERE FALSE;

ROLLBACK;
