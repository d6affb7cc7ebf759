-- Deploy documents:20250116_0001_create_document_versions to pg
-- requires: 20250115_0001_create_documents
--
-- Why:      Saving a document keeps what it was before, so that an edit can be undone and audited.
-- Risk:     Low: a new, empty table. Its foreign key locks dms.documents against writes for a moment.
-- Rollback: The revert drops the table with all earlier versions; the current ones are in dms.documents.

BEGIN;

CREATE TABLE dms.document_versions (
    document_id bigint NOT NULL,
    version     integer NOT NULL,
    body        text NOT NULL,
    saved_by    bigint NOT NULL,
    saved_at    timestamptz NOT NULL DEFAULT pg_catalog.now(),
    CONSTRAINT document_versions_pkey PRIMARY KEY (document_id, version),
    CONSTRAINT document_versions_version_check CHECK (version > 0),
    CONSTRAINT document_versions_document_id_fkey
        FOREIGN KEY (document_id) REFERENCES dms.documents (id) ON DELETE CASCADE,
    CONSTRAINT document_versions_saved_by_fkey FOREIGN KEY (saved_by) REFERENCES dms.users (id)
);

COMMIT;
