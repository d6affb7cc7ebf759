-- Revert documents:20250120_0001_touch_updated_at from pg
--
-- Why:      Undoes trigger and function.
-- Risk:     Low. DROP TRIGGER locks dms.documents against reads and writes for a moment.
-- Rollback: Deploy again; updates made meanwhile keep the updated_at that the application gave them.

BEGIN;

DROP TRIGGER documents_touch_updated_at ON dms.documents;
DROP FUNCTION dms.touch_updated_at();

COMMIT;
