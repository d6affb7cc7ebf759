-- Revert documents:20250113_0001_create_schema from pg
--
-- Why:      Undoes the creation of the schema.
-- Risk:     None: DROP without CASCADE refuses while the schema holds anything.
-- Rollback: Deploy again.

BEGIN;

DROP SCHEMA dms;

COMMIT;
