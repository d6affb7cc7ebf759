-- Purpose: whether something that a statement makes or takes away is there.
-- Privileges: any role.
-- Versions: 13-18.
-- Parameters: what, schema (NULL: any but the system's), name, part (a column, constraint or label of it).
WITH place AS (
    SELECT n.oid
      FROM pg_catalog.pg_namespace n
     WHERE n.nspname NOT IN ('pg_catalog', 'pg_toast', 'information_schema')
       AND (%(schema)s::text IS NULL OR n.nspname = %(schema)s::text)
), relation AS (
    SELECT c.oid FROM pg_catalog.pg_class c JOIN place ON place.oid = c.relnamespace WHERE c.relname = %(name)s::text
)
SELECT CASE %(what)s::text
       WHEN 'relation' THEN EXISTS (SELECT FROM relation)
       WHEN 'routine' THEN EXISTS (
           SELECT FROM pg_catalog.pg_proc p JOIN place ON place.oid = p.pronamespace WHERE p.proname = %(name)s::text)
       WHEN 'column' THEN EXISTS (
           SELECT FROM pg_catalog.pg_attribute a JOIN relation ON relation.oid = a.attrelid
            WHERE a.attname = %(part)s::text AND NOT a.attisdropped)
       WHEN 'not null' THEN EXISTS (
           SELECT FROM pg_catalog.pg_attribute a JOIN relation ON relation.oid = a.attrelid
            WHERE a.attname = %(part)s::text AND a.attnotnull)
       WHEN 'constraint' THEN EXISTS (
           SELECT FROM pg_catalog.pg_constraint k JOIN relation ON relation.oid = k.conrelid
            WHERE k.conname = %(part)s::text)
       WHEN 'validated' THEN EXISTS (
           SELECT FROM pg_catalog.pg_constraint k JOIN relation ON relation.oid = k.conrelid
            WHERE k.conname = %(part)s::text AND k.convalidated)
       WHEN 'label' THEN EXISTS (
           SELECT FROM pg_catalog.pg_enum e
             JOIN pg_catalog.pg_type t ON t.oid = e.enumtypid JOIN place ON place.oid = t.typnamespace
            WHERE t.typname = %(name)s::text AND e.enumlabel = %(part)s::text)
       END
