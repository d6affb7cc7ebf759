-- Purpose: which functions of the tracking schema aren't those that we have made: other code would run in our sessions.
--   One text, NULL where all are; a function that isn't there is no finding.
-- Privileges: any login role; catalogs only.
-- Versions: 13-18. Everything is qualified, as in foreign_code.sql.
SELECT pg_catalog.string_agg(pg_catalog.concat(w.nspname, '.', w.proname, '() is not the function that this version of'
         ' pgmig-tui makes'), '; ')
  FROM (VALUES :functions) AS w(nspname, proname, arguments, body)
  JOIN pg_catalog.pg_namespace n ON n.nspname OPERATOR(pg_catalog.=) w.nspname::pg_catalog.name
  JOIN pg_catalog.pg_proc p ON p.pronamespace OPERATOR(pg_catalog.=) n.oid
                           AND p.proname OPERATOR(pg_catalog.=) w.proname::pg_catalog.name
                           AND pg_catalog.oidvectortypes(p.proargtypes) OPERATOR(pg_catalog.=) w.arguments
  JOIN pg_catalog.pg_language l ON l.oid OPERATOR(pg_catalog.=) p.prolang
 WHERE NOT (p.prosecdef AND l.lanname OPERATOR(pg_catalog.=) 'plpgsql'::pg_catalog.name
            AND p.prokind OPERATOR(pg_catalog.=) 'f'
            AND p.prorettype OPERATOR(pg_catalog.=) 'pg_catalog.int8'::pg_catalog.regtype::pg_catalog.oid
            AND coalesce(p.proconfig OPERATOR(pg_catalog.=) '{"search_path=pg_catalog, pg_temp",plan_cache_mode=force_generic_plan}'::pg_catalog.text[], false)
            AND pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(p.prosrc, 'UTF8')), 'hex')
                OPERATOR(pg_catalog.=) w.body)
