-- Purpose: whether an index that was being built or dropped concurrently is there and whole.
-- Privileges: any role.
-- Versions: 13-18.
-- Parameters: schema (NULL: any but the system's), name.
SELECT i.indisvalid AND i.indisready AND i.indislive, pg_catalog.format('%%I.%%I', n.nspname, c.relname)
  FROM pg_catalog.pg_index i
  JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relname = %(name)s::text AND n.nspname NOT IN ('pg_catalog', 'pg_toast', 'information_schema')
   AND (%(schema)s::text IS NULL OR n.nspname = %(schema)s::text)
