-- Verify documents:20250114_0001_create_users_and_folders on pg
--
-- Why:      Naming a column that doesn't exist raises an error, even where no row is read.
-- Risk:     none; it only reads.
-- Rollback: nothing to undo.

BEGIN;

SELECT id, email, full_name, created_at FROM dms.users WHERE FALSE;
SELECT id, parent_id, name FROM dms.folders WHERE FALSE;

ROLLBACK;
