-- Verify documents:20250210_0001_add_document_tags on pg
--
-- Why:      Naming a column that doesn't exist raises an error, even where no row is read.
-- Risk:     none; it only reads.
-- Rollback: nothing to undo.

BEGIN;

SELECT tags FROM dms.documents WHERE FALSE;

ROLLBACK;
