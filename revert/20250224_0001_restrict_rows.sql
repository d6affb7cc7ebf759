-- Revert documents:20250224_0001_restrict_rows from pg
--
-- Why:      Undoes policies and grants. The roles stay: they belong to the whole cluster.
-- Risk:     Readers and editors can't read anything here any more. ACCESS EXCLUSIVE on dms.documents for milliseconds.
-- Rollback: Deploy again.

BEGIN;

ALTER TABLE dms.documents DISABLE ROW LEVEL SECURITY;

DROP POLICY documents_edit_own ON dms.documents;
DROP POLICY documents_read_published ON dms.documents;

REVOKE INSERT, UPDATE, DELETE ON dms.documents FROM dms_editor;
REVOKE SELECT ON dms.users, dms.folders, dms.documents, dms.published_documents FROM dms_reader, dms_editor;
REVOKE USAGE ON SCHEMA dms FROM dms_reader, dms_editor;

COMMIT;
