-- Purpose: functions that run as their owner, and the search_path that they run with, NULL where they set none. Their
--   text that is bound when they are made (BEGIN ATOMIC), and code in C, look up no names when they run.
-- Privileges: any role.
-- Versions: 13-18; prosqlbody is there from 14 on.
SELECT pg_catalog.format('%I.%I(%s)', n.nspname, p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid)),
       CASE p.prokind WHEN 'p' THEN 'PROCEDURE ' ELSE 'FUNCTION ' END, p.proowner::int8,
       (SELECT pg_catalog.substr(s.setting, 13) FROM pg_catalog.unnest(p.proconfig) AS s(setting)
         WHERE s.setting LIKE 'search\_path=%' LIMIT 1)
  FROM pg_catalog.pg_proc p
  JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
  JOIN pg_catalog.pg_language l ON l.oid = p.prolang
 WHERE p.prosecdef AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\_%'
   AND l.lanname NOT IN ('c', 'internal') AND pg_catalog.to_jsonb(p) ->> 'prosqlbody' IS NULL
 ORDER BY 1
