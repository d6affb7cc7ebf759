-- Purpose: registry 1.0 to 1.1: a script hash is unique within its project, not across all projects.
-- Privileges: owner of the registry table changes.
-- Versions: PostgreSQL 13-18.
ALTER TABLE :"registry".changes DROP CONSTRAINT changes_script_hash_key, ADD UNIQUE (project, script_hash);
