-- The grants with which the role :'role' may fill every table of this database, and run what checks its rows: functions
-- in languages that give nothing away, and none that runs with its owner's rights. One statement a row.
-- Privileges: superuser, on a server of our own. Versions: 13 to 18.
WITH s AS (SELECT n.oid, n.nspname FROM pg_catalog.pg_namespace n
           WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_')
SELECT pg_catalog.format('GRANT USAGE ON SCHEMA %I TO %I', s.nspname, :'role') FROM s
UNION ALL
SELECT pg_catalog.format('GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA %I TO %I', s.nspname, :'role') FROM s
UNION ALL
SELECT pg_catalog.format('GRANT ALL ON ALL SEQUENCES IN SCHEMA %I TO %I', s.nspname, :'role') FROM s
UNION ALL
SELECT pg_catalog.format('GRANT EXECUTE ON ROUTINE %s TO %I', p.oid::pg_catalog.regprocedure, :'role')
FROM pg_catalog.pg_proc p JOIN s ON s.oid = p.pronamespace JOIN pg_catalog.pg_language l ON l.oid = p.prolang
WHERE NOT p.prosecdef AND (l.lanpltrusted OR l.lanname = 'sql') AND p.prokind IN ('f', 'w')
  AND NOT pg_catalog.has_function_privilege(:'role', p.oid, 'EXECUTE')
