-- Deploy documents:20250218_0001_validate_folder_reference to pg
-- requires: 20250217_0001_reference_folders
--
-- Why:      Proves for the existing documents what documents_folder_id_fkey demands of new ones.
-- Risk:     Low. Reads dms.documents under SHARE UPDATE EXCLUSIVE and dms.folders under ROW SHARE: reads and writes of
--           both pass. Fails, and changes nothing, when a document lies in a folder that doesn't exist.
-- Rollback: The revert makes the foreign key NOT VALID again.

BEGIN;

ALTER TABLE dms.documents
    VALIDATE CONSTRAINT documents_folder_id_fkey;

COMMIT;
