-- Purpose: as foreign_code.sql, of tables that are only read: what would run code of others then, or
--   hide rows. `types`: whether their
--   columns must be of PostgreSQL's own types, which ours are; a cast of another type may be anybody's function.
-- Privileges: any login role; catalogs only.
-- Versions: 13-18. Generated columns that are computed when they are read exist since 18.
SELECT pg_catalog.string_agg(pg_catalog.concat(n.nspname, '.', c.relname, ' ', f.what), '; ')
  FROM (VALUES :tables) AS w(nspname, relname)
  JOIN pg_catalog.pg_namespace n ON n.nspname OPERATOR(pg_catalog.=) w.nspname::pg_catalog.name
  JOIN pg_catalog.pg_class c ON c.relnamespace OPERATOR(pg_catalog.=) n.oid
                            AND c.relname OPERATOR(pg_catalog.=) w.relname::pg_catalog.name,
       LATERAL (SELECT CASE
         WHEN c.relkind OPERATOR(pg_catalog.<>) 'r' OR c.relispartition THEN 'is not an ordinary table'
         WHEN c.relrowsecurity AND pg_catalog.row_security_active(c.oid)
           THEN 'has row-level security that hides rows from this role'
         WHEN c.relhassubclass AND EXISTS (SELECT FROM pg_catalog.pg_inherits i
                                            WHERE i.inhparent OPERATOR(pg_catalog.=) c.oid)
           THEN 'has tables that inherit from it'
         WHEN EXISTS (SELECT FROM pg_catalog.pg_attribute a
                       WHERE a.attrelid OPERATOR(pg_catalog.=) c.oid AND a.attnum OPERATOR(pg_catalog.>) 0
                         AND NOT a.attisdropped
                         AND (a.atttypid OPERATOR(pg_catalog.>) 9999::pg_catalog.oid AND :types
                              OR a.attgenerated OPERATOR(pg_catalog.=) 'v'))
           THEN 'has a column that isn''t of a type of PostgreSQL''s own, or is computed when it is read' END) AS f(what)
 WHERE f.what IS NOT NULL
