-- Verify documents:20250113_0001_create_schema on pg
--
-- Why:      has_schema_privilege() raises an error when there is no such schema.
-- Risk:     none; it only reads.
-- Rollback: nothing to undo.

BEGIN;

SELECT pg_catalog.has_schema_privilege('dms', 'usage');

ROLLBACK;
