-- Purpose: the OIDs of these tables, as far as they are there, and of the functions that write them.
-- Privileges: any login role; catalogs only.
-- Versions: 13-18.
SELECT ARRAY(SELECT c.oid::pg_catalog.int8
               FROM (VALUES :tables) AS w(nspname, relname)
               JOIN pg_catalog.pg_namespace n ON n.nspname OPERATOR(pg_catalog.=) w.nspname::pg_catalog.name
               JOIN pg_catalog.pg_class c ON c.relnamespace OPERATOR(pg_catalog.=) n.oid
                                         AND c.relname OPERATOR(pg_catalog.=) w.relname::pg_catalog.name
              ORDER BY 1),
       ARRAY(SELECT p.oid::pg_catalog.int8
               FROM (VALUES :tables) AS w(nspname, relname)
               JOIN pg_catalog.pg_namespace n ON n.nspname OPERATOR(pg_catalog.=) w.nspname::pg_catalog.name
               JOIN pg_catalog.pg_proc p ON p.pronamespace OPERATOR(pg_catalog.=) n.oid
                AND p.proname OPERATOR(pg_catalog.=) ANY (:functions)
              WHERE w.relname OPERATOR(pg_catalog.=) :head
              ORDER BY 1)
