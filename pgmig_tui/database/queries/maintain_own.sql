-- Purpose: which of our own tables are there, whose they are, and whether this role may read them.
-- Privileges: any login role; catalogs only.
-- Versions: 13-18.
-- Parameters: tracking and keep, the two schemas; "" for none. `ours` is NULL where they have no comment of ours.
SELECT n.nspname::text, c.relname::text, c.relkind = 'r',
       pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT'),
       pg_catalog.pg_get_userbyid(c.relowner)::text, pg_catalog.pg_has_role(c.relowner, 'MEMBER'),
       pg_catalog.pg_total_relation_size(c.oid)::float8
  FROM pg_catalog.pg_namespace n
  JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid
 WHERE (n.nspname = :'tracking' AND c.relname IN ('runs', 'backfill_progress', 'schema_migrations', 'schema_audit',
                                                 'evidence', 'approvals'))
    OR (n.nspname = :'keep' AND c.relname = 'kept')
