-- Deploy documents:20250114_0001_create_users_and_folders to pg
-- requires: 20250113_0001_create_schema
--
-- Why:      Documents belong to users and lie in a tree of folders.
-- Risk:     None: new, empty tables that nobody uses yet.
-- Rollback: The revert drops both tables with all their rows.

BEGIN;

CREATE TABLE dms.users (
    id         bigint GENERATED ALWAYS AS IDENTITY,
    email      text NOT NULL,
    full_name  text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_email_key UNIQUE (email)
);

CREATE TABLE dms.folders (
    id        bigint GENERATED ALWAYS AS IDENTITY,
    parent_id bigint,
    name      text NOT NULL,
    CONSTRAINT folders_pkey PRIMARY KEY (id),
    CONSTRAINT folders_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES dms.folders (id),
    CONSTRAINT folders_parent_id_name_key UNIQUE (parent_id, name)
);

COMMIT;
