-- Deploy documents:20250113_0001_create_schema to pg
--
-- Why:      The document management system keeps its objects apart from everything else in the database.
-- Risk:     None: it only adds.
-- Rollback: The revert drops the schema, and refuses while anything is in it.

BEGIN;

CREATE SCHEMA dms;

COMMENT ON SCHEMA dms IS 'Document management system';

COMMIT;
