-- Deploy documents:20250303_0001_widen_size_bytes to pg
-- requires: 20250115_0001_create_documents
--
-- Why:      An integer ends at 2 GB, and the first video archive is larger.
-- Risk:     High. Every row and every index is rewritten under ACCESS EXCLUSIVE: nobody reads or writes dms.documents
--           meanwhile. About a second for 200,000 documents; from some millions on, add a second column, fill it in
--           batches and swap the two instead. Needs as much free disk as the table has.
-- Rollback: The revert rewrites the table again, and refuses when a file is larger than 2 GB.

BEGIN;

ALTER TABLE dms.documents
    ALTER COLUMN size_bytes TYPE bigint;

COMMIT;
