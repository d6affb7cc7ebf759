-- Verify documents:20250115_0001_create_documents on pg
--
-- Why:      Naming a column that doesn't exist raises an error; a missing index has to be asked for.
-- Risk:     none; it only reads.
-- Rollback: nothing to undo.

BEGIN;

SELECT id, folder_id, owner_id, title, body, size_bytes, status, created_at, updated_at
  FROM dms.documents
 WHERE FALSE;

DO $$
BEGIN
    IF pg_catalog.to_regclass('dms.documents_folder_id_idx') IS NULL
        OR pg_catalog.to_regclass('dms.documents_owner_id_idx') IS NULL
    THEN
        RAISE EXCEPTION 'an index of dms.documents is missing';
    END IF;
END;
$$;

ROLLBACK;
