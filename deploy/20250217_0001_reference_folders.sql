-- Deploy documents:20250217_0001_reference_folders to pg
-- requires: 20250115_0001_create_documents
--
-- Why:      The importer is done. From now on a document must lie in a folder that exists.
-- Risk:     Low. NOT VALID scans nothing; SHARE ROW EXCLUSIVE on both tables holds writes, not reads, for milliseconds.
-- Rollback: The revert drops the constraint.

BEGIN;

ALTER TABLE dms.documents
    ADD CONSTRAINT documents_folder_id_fkey FOREIGN KEY (folder_id) REFERENCES dms.folders (id) NOT VALID;

COMMIT;
