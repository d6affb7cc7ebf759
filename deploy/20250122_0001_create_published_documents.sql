-- Deploy documents:20250122_0001_create_published_documents to pg
-- requires: 20250115_0001_create_documents
--
-- Why:      The public site lists published documents without their text. A view keeps that rule in one place.
-- Risk:     None: it only adds. As long as it exists, the columns that it reads can't change their type.
-- Rollback: The revert drops the view.

BEGIN;

CREATE VIEW dms.published_documents AS
SELECT documents.id, documents.folder_id, documents.title, documents.updated_at
  FROM dms.documents
 WHERE documents.status = 'published';

COMMIT;
