-- Revert documents:20250113_0002_create_document_status from pg
--
-- Why:      Undoes the creation of the type.
-- Risk:     None: DROP without CASCADE refuses while a column has this type.
-- Rollback: Deploy again.

BEGIN;

DROP TYPE dms.document_status;

COMMIT;
