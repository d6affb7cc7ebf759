-- Revert documents:20250218_0001_validate_folder_reference from pg
--
-- Why:      Makes the foreign key NOT VALID again. There is no command for that: it is dropped and added.
-- Risk:     Low. Nothing is scanned; ACCESS EXCLUSIVE on both tables for milliseconds.
-- Rollback: Deploy again.

BEGIN;

ALTER TABLE dms.documents
    DROP CONSTRAINT documents_folder_id_fkey,
    ADD CONSTRAINT documents_folder_id_fkey FOREIGN KEY (folder_id) REFERENCES dms.folders (id) NOT VALID;

COMMIT;
