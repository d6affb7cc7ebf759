-- Verify documents:20250113_0002_create_document_status on pg
--
-- Why:      A cast to an enum raises an error when the type, or the value, doesn't exist.
-- Risk:     none; it only reads.
-- Rollback: nothing to undo.

BEGIN;

SELECT 'draft'::dms.document_status,
       'in_review'::dms.document_status,
       'published'::dms.document_status,
       'archived'::dms.document_status;

ROLLBACK;
