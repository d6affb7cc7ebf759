-- Revert documents:20250122_0001_create_published_documents from pg
--
-- Why:      Undoes the view.
-- Risk:     The public site's list fails from now on.
-- Rollback: Deploy again; a view holds no data.

BEGIN;

DROP VIEW dms.published_documents;

COMMIT;
