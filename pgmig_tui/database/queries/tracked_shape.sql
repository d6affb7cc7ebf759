-- Purpose: are our rows there, may this role read them (with what its chain is made of), and do they say what was verified (version 2).
-- Privileges: any login role.
-- Versions: 13-18.
SELECT c.oid IS NOT NULL,
       pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
         AND NOT EXISTS (SELECT FROM pg_catalog.pg_class o
                          WHERE o.relnamespace OPERATOR(pg_catalog.=) n.oid
                            AND o.relname OPERATOR(pg_catalog.=) ANY ('{schema_audit,evidence,tracking_head}'::pg_catalog.name[])
                            AND NOT pg_catalog.has_table_privilege(o.oid, 'SELECT')),
       EXISTS (SELECT FROM pg_catalog.pg_attribute a
                WHERE a.attrelid OPERATOR(pg_catalog.=) c.oid AND a.attname OPERATOR(pg_catalog.=) 'verified'
                  AND NOT a.attisdropped)
  FROM (SELECT 1) AS one
  LEFT JOIN pg_catalog.pg_namespace n ON n.nspname OPERATOR(pg_catalog.=) :'tracking'
  LEFT JOIN pg_catalog.pg_class c ON c.relnamespace OPERATOR(pg_catalog.=) n.oid
        AND c.relname OPERATOR(pg_catalog.=) 'schema_migrations'
