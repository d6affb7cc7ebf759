-- Revert documents:20250212_0001_require_title from pg
--
-- Why:      Undoes the constraint.
-- Risk:     Blank titles are accepted again. ACCESS EXCLUSIVE on dms.documents for milliseconds.
-- Rollback: Deploy again.

BEGIN;

ALTER TABLE dms.documents
    DROP CONSTRAINT documents_title_check;

COMMIT;
