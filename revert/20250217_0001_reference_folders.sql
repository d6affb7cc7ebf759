-- Revert documents:20250217_0001_reference_folders from pg
--
-- Why:      Undoes the foreign key.
-- Risk:     Documents may lie in folders that don't exist again. ACCESS EXCLUSIVE on both tables for milliseconds.
-- Rollback: Deploy again.

BEGIN;

ALTER TABLE dms.documents
    DROP CONSTRAINT documents_folder_id_fkey;

COMMIT;
