-- Purpose: which of these tables this role may lock in ROW EXCLUSIVE MODE, as names for LOCK TABLE.
-- Privileges: any login role; catalogs only.
-- Versions: 13-18.
SELECT ARRAY(
  SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
    FROM (VALUES :tables) AS w(nspname, relname)
    JOIN pg_catalog.pg_namespace n ON n.nspname = w.nspname
    JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.relname AND c.relkind = 'r'
   WHERE pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, :rights)
   ORDER BY 1)
