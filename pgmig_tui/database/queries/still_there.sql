-- Purpose: whether a table, or which of its columns, is still there after a revert that ended part way.
-- Privileges: any login role; catalogs only.
-- Versions: 13-18.
SELECT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname = w.schema AND c.relname = w.relation),
       ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
               JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
               JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
              WHERE n.nspname = w.schema AND c.relname = w.relation AND a.attnum > 0 AND NOT a.attisdropped)
  FROM (SELECT %(schema)s::text AS schema, %(relation)s::text AS relation) AS w
