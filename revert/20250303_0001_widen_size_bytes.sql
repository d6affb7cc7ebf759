-- Revert documents:20250303_0001_widen_size_bytes from pg
--
-- Why:      Undoes the wider type.
-- Risk:     High. The table is rewritten under ACCESS EXCLUSIVE. Fails, and changes nothing, with "integer out of
--           range" when a file is larger than 2 GB.
-- Rollback: Deploy again.

BEGIN;

ALTER TABLE dms.documents
    ALTER COLUMN size_bytes TYPE integer;

COMMIT;
