-- Verify documents:20250122_0001_create_published_documents on pg
--
-- Why:      Naming a column that doesn't exist raises an error, even where no row is read.
-- Risk:     none; it only reads.
-- Rollback: nothing to undo.

BEGIN;

SELECT id, folder_id, title, updated_at FROM dms.published_documents WHERE FALSE;

ROLLBACK;
