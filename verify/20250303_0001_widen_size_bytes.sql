-- Verify documents:20250303_0001_widen_size_bytes on pg
--
-- Why:      The column exists with either type: its type has to be asked for.
-- Risk:     none; it only reads.
-- Rollback: nothing to undo.

BEGIN;

DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_attribute
         WHERE attrelid = 'dms.documents'::pg_catalog.regclass
           AND attname = 'size_bytes'
           AND atttypid = 'pg_catalog.int8'::pg_catalog.regtype
    ) THEN
        RAISE EXCEPTION 'dms.documents.size_bytes is not a bigint';
    END IF;
END;
$$;

ROLLBACK;
