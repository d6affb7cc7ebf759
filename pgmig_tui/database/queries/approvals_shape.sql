-- Purpose: is there a table of approvals, is it ours, and what may this role do with it.
-- Privileges: any login role.
-- Versions: 13-18.
SELECT n.oid IS NOT NULL,
       coalesce(pg_catalog.has_schema_privilege(n.oid, 'CREATE'),
                pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')),
       c.oid IS NOT NULL,
       coalesce(pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT'), false),
       coalesce(pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND
                (SELECT pg_catalog.has_column_privilege(c.oid, a.attnum, 'INSERT') FROM pg_catalog.pg_attribute a
                  WHERE a.attrelid OPERATOR(pg_catalog.=) c.oid AND a.attname OPERATOR(pg_catalog.=) 'payload'), false),
       coalesce((SELECT pg_catalog.has_column_privilege(c.oid, a.attnum, 'INSERT') FROM pg_catalog.pg_attribute a
                  WHERE a.attrelid OPERATOR(pg_catalog.=) c.oid AND a.attname OPERATOR(pg_catalog.=) 'session_role'), false),
       ARRAY(SELECT pg_catalog.concat(a.attname, ' ', pg_catalog.format_type(a.atttypid, a.atttypmod))
               FROM pg_catalog.pg_attribute a
              WHERE a.attrelid OPERATOR(pg_catalog.=) c.oid AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped
              ORDER BY a.attnum),
       session_user::text,
       extract(epoch FROM pg_catalog.clock_timestamp())::float8
  FROM (SELECT 1) AS one
  LEFT JOIN pg_catalog.pg_namespace n ON n.nspname OPERATOR(pg_catalog.=) :'schema'
  LEFT JOIN pg_catalog.pg_class c ON c.relnamespace OPERATOR(pg_catalog.=) n.oid
        AND c.relname OPERATOR(pg_catalog.=) 'approvals' AND c.relkind OPERATOR(pg_catalog.=) 'r'
