-- Deploy documents:20250212_0001_require_title to pg
-- requires: 20250115_0001_create_documents
--
-- Why:      Documents with a blank title can't be found in any list.
-- Risk:     Low. NOT VALID checks new and changed rows only, so nothing is scanned under the ACCESS EXCLUSIVE lock;
--           existing rows are checked by the next change, under a lock that lets reads and writes pass.
-- Rollback: The revert drops the constraint.

BEGIN;

ALTER TABLE dms.documents
    ADD CONSTRAINT documents_title_check CHECK (pg_catalog.btrim(title) <> '') NOT VALID;

COMMIT;
