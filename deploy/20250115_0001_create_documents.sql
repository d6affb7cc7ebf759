-- Deploy documents:20250115_0001_create_documents to pg
-- requires: 20250113_0002_create_document_status
-- requires: 20250114_0001_create_users_and_folders
--
-- Why:      Holds the documents themselves. The folder is not a foreign key yet: the old system's importer runs first,
--           and loads documents before their folders.
-- Risk:     None: a new, empty table. The foreign key to dms.users locks that table for a moment; it is empty, too.
-- Rollback: The revert drops the table with all documents.

BEGIN;

CREATE TABLE dms.documents (
    id         bigint GENERATED ALWAYS AS IDENTITY,
    folder_id  bigint NOT NULL,
    owner_id   bigint NOT NULL,
    title      text NOT NULL,
    body       text NOT NULL DEFAULT '',
    size_bytes integer NOT NULL DEFAULT 0,
    status     dms.document_status NOT NULL DEFAULT 'draft',
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    updated_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    CONSTRAINT documents_pkey PRIMARY KEY (id),
    CONSTRAINT documents_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES dms.users (id)
);

CREATE INDEX documents_folder_id_idx ON dms.documents (folder_id);
CREATE INDEX documents_owner_id_idx ON dms.documents (owner_id);

COMMENT ON COLUMN dms.documents.size_bytes IS 'Size of the original file in bytes';

COMMIT;
