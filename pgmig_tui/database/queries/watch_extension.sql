-- Purpose: where pg_stat_statements is, if it is the extension's own and a superuser's: anybody can make a view of that name.
-- Privileges: none. Versions: 13 to 18.
SELECT n.nspname, pg_catalog.to_regclass(pg_catalog.format('%I.pg_stat_statements_info', n.nspname)) IS NOT NULL
FROM pg_catalog.pg_extension AS e
JOIN pg_catalog.pg_roles AS o ON o.oid = e.extowner AND o.rolsuper
JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace
JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid
  AND c.relname = 'pg_stat_statements' AND c.relkind = 'v'
JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_class'::regclass
  AND d.objid = c.oid AND d.deptype = 'e' AND d.refobjid = e.oid
WHERE e.extname = 'pg_stat_statements'
