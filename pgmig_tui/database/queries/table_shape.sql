-- Purpose: a number that changes when anything is done to these tables that could make code of others run: it is asked
--   for in the transaction of every step, and foreign_code.sql only once a run, for that takes five times as long.
-- Privileges: any login role; catalogs only.
-- Versions: 13-18. Everything is qualified, as in foreign_code.sql.
SELECT coalesce(pg_catalog.hashtextextended(pg_catalog.string_agg(s.shape, ' ' ORDER BY s.shape), 0), 0)
  FROM (SELECT pg_catalog.concat_ws(' ', c.oid, c.relkind, c.relhasrules, c.relrowsecurity, c.relispartition,
               c.relhassubclass,
               ARRAY(SELECT t.oid FROM pg_catalog.pg_trigger t WHERE t.tgrelid OPERATOR(pg_catalog.=) c.oid ORDER BY 1),
               ARRAY(SELECT pg_catalog.concat(d.oid, '.', d.xmin) FROM pg_catalog.pg_attrdef d
                      WHERE d.adrelid OPERATOR(pg_catalog.=) c.oid ORDER BY 1),
               ARRAY(SELECT k.oid FROM pg_catalog.pg_constraint k
                      WHERE k.conrelid OPERATOR(pg_catalog.=) c.oid ORDER BY 1),
               ARRAY(SELECT i.indexrelid FROM pg_catalog.pg_index i
                      WHERE i.indrelid OPERATOR(pg_catalog.=) c.oid ORDER BY 1),
               ARRAY(SELECT a.atttypid FROM pg_catalog.pg_attribute a
                      WHERE a.attrelid OPERATOR(pg_catalog.=) c.oid ORDER BY a.attnum)) AS shape
          FROM (VALUES :tables) AS w(nspname, relname)
          JOIN pg_catalog.pg_namespace n ON n.nspname OPERATOR(pg_catalog.=) w.nspname::pg_catalog.name
          JOIN pg_catalog.pg_class c ON c.relnamespace OPERATOR(pg_catalog.=) n.oid
                                    AND c.relname OPERATOR(pg_catalog.=) w.relname::pg_catalog.name
        UNION ALL
        SELECT pg_catalog.concat_ws(' ', p.oid, p.xmin)
          FROM (VALUES :tables) AS w(nspname, relname)
          JOIN pg_catalog.pg_namespace n ON n.nspname OPERATOR(pg_catalog.=) w.nspname::pg_catalog.name
          JOIN pg_catalog.pg_proc p ON p.pronamespace OPERATOR(pg_catalog.=) n.oid
           AND p.proname OPERATOR(pg_catalog.=) ANY ('{record_step,answer_step,record_evidence}'::pg_catalog.name[])
         WHERE w.relname OPERATOR(pg_catalog.=) 'tracking_head') AS s
