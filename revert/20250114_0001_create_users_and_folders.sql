-- Revert documents:20250114_0001_create_users_and_folders from pg
--
-- Why:      Undoes the creation of users and folders.
-- Risk:     All users and folders are lost.
-- Rollback: Deploy again; the rows come back from a backup only.

BEGIN;

DROP TABLE dms.folders;
DROP TABLE dms.users;

COMMIT;
