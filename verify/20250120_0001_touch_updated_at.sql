-- Verify documents:20250120_0001_touch_updated_at on pg
--
-- Why:      A query on the catalog returns no row, and no error, when the trigger is missing: it has to raise one.
-- Risk:     none; it only reads.
-- Rollback: nothing to undo.

BEGIN;

SELECT pg_catalog.has_function_privilege('dms.touch_updated_at()', 'execute');

DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_trigger
         WHERE tgrelid = 'dms.documents'::pg_catalog.regclass
           AND tgname = 'documents_touch_updated_at'
           AND tgenabled = 'O'
    ) THEN
        RAISE EXCEPTION 'trigger documents_touch_updated_at on dms.documents is missing or disabled';
    END IF;
END;
$$;

ROLLBACK;
