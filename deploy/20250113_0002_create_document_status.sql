-- Deploy documents:20250113_0002_create_document_status to pg
-- requires: 20250113_0001_create_schema
--
-- Why:      A document's state is one of a few that the application knows; an enum keeps all others out.
-- Risk:     None now. Values can be added to an enum later, but never removed.
-- Rollback: The revert drops the type, and refuses while a column has it.

BEGIN;

CREATE TYPE dms.document_status AS ENUM ('draft', 'in_review', 'published', 'archived');

COMMIT;
