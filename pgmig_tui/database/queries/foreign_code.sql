-- Purpose: what of tables of ours, and of Sqitch's, isn't plain storage: whatever would run code of others, as the role
--   that reads or writes them. One text, NULL where all is plain; a table that isn't there is no finding.
-- Privileges: any login role; catalogs only.
-- Versions: 13-18. It stands in statements that may run under a script's own search_path: everything is qualified. OIDs
--   below 16384 are PostgreSQL's own; a function of pg_catalog that isn't immutable may run a query (query_to_xml).
--   What a generated column calls belongs to the column on 13, to its expression from 14 on.
--   Languages 12 and 13 are internal and C, in which superusers alone write: operator classes of extensions.
SELECT pg_catalog.string_agg(pg_catalog.concat(n.nspname, '.', c.relname, ' ', f.what), '; ')
  FROM (VALUES :tables) AS w(nspname, relname)
  JOIN pg_catalog.pg_namespace n ON n.nspname OPERATOR(pg_catalog.=) w.nspname::pg_catalog.name
  JOIN pg_catalog.pg_class c ON c.relnamespace OPERATOR(pg_catalog.=) n.oid
                            AND c.relname OPERATOR(pg_catalog.=) w.relname::pg_catalog.name,
       LATERAL pg_catalog.unnest(ARRAY[
         CASE WHEN c.relkind OPERATOR(pg_catalog.<>) 'r' OR c.relispartition THEN 'is not an ordinary table' END,
         CASE WHEN c.relhasrules AND EXISTS (SELECT FROM pg_catalog.pg_rewrite r
                                              WHERE r.ev_class OPERATOR(pg_catalog.=) c.oid) THEN 'has a rule' END,
         CASE WHEN c.relrowsecurity THEN 'has row-level security' END,
         CASE WHEN c.relhassubclass AND EXISTS (SELECT FROM pg_catalog.pg_inherits i
                                                 WHERE i.inhparent OPERATOR(pg_catalog.=) c.oid)
              THEN 'has tables that inherit from it' END,
         CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhrelid OPERATOR(pg_catalog.=) c.oid)
              THEN 'inherits from another table' END,
         CASE WHEN c.relhastriggers THEN
           (SELECT pg_catalog.concat('has the trigger ', pg_catalog.min(t.tgname::pg_catalog.text))
              FROM pg_catalog.pg_trigger t
             WHERE t.tgrelid OPERATOR(pg_catalog.=) c.oid AND NOT t.tgisinternal
            HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) 0) END,
         CASE WHEN c.relhastriggers THEN
           (SELECT pg_catalog.concat('has a foreign key to or from another table (', pg_catalog.min(k.conname::pg_catalog.text), ')')
              FROM pg_catalog.pg_trigger t
              JOIN pg_catalog.pg_constraint k ON k.oid OPERATOR(pg_catalog.=) t.tgconstraint
              LEFT JOIN pg_catalog.pg_class o ON o.oid OPERATOR(pg_catalog.=) t.tgconstrrelid
              LEFT JOIN pg_catalog.pg_namespace s ON s.oid OPERATOR(pg_catalog.=) o.relnamespace
              LEFT JOIN (VALUES :tables) AS own(nspname, relname)
                     ON own.nspname::pg_catalog.name OPERATOR(pg_catalog.=) s.nspname
                    AND own.relname::pg_catalog.name OPERATOR(pg_catalog.=) o.relname
             WHERE t.tgrelid OPERATOR(pg_catalog.=) c.oid AND k.contype OPERATOR(pg_catalog.=) 'f' AND own.relname IS NULL
            HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) 0) END,
         (SELECT pg_catalog.concat('has a column of a type that is not PostgreSQL''s own (', pg_catalog.min(a.attname::pg_catalog.text), ')')
            FROM pg_catalog.pg_attribute a
           WHERE a.attrelid OPERATOR(pg_catalog.=) c.oid AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped
             AND a.atttypid OPERATOR(pg_catalog.>) 9999::pg_catalog.oid
          HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) 0),
         (SELECT pg_catalog.concat('has an expression that calls ', coalesce(pg_catalog.min(p.proname::pg_catalog.text), 'code that is not PostgreSQL''s own'))
            FROM (SELECT 2604::pg_catalog.oid, d.oid, d.adbin::pg_catalog.text FROM pg_catalog.pg_attrdef d
                   WHERE d.adrelid OPERATOR(pg_catalog.=) c.oid
                  UNION ALL
                  SELECT 2606::pg_catalog.oid, k.oid, k.conbin::pg_catalog.text FROM pg_catalog.pg_constraint k
                   WHERE k.conrelid OPERATOR(pg_catalog.=) c.oid AND k.conbin IS NOT NULL
                  UNION ALL
                  SELECT 1259::pg_catalog.oid, i.indexrelid, pg_catalog.concat(i.indexprs::pg_catalog.text, i.indpred::pg_catalog.text)
                    FROM pg_catalog.pg_index i
                   WHERE i.indrelid OPERATOR(pg_catalog.=) c.oid AND (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL)
                  UNION ALL
                  SELECT 1259::pg_catalog.oid, c.oid, ''
                 ) AS e(kind, oid, tree)
            LEFT JOIN pg_catalog.pg_depend x
                   ON x.classid OPERATOR(pg_catalog.=) e.kind AND x.objid OPERATOR(pg_catalog.=) e.oid
                  AND x.refclassid OPERATOR(pg_catalog.=) ANY ('{1255,2617,1247}'::pg_catalog.oid[])
            LEFT JOIN LATERAL (
              SELECT p.proname FROM pg_catalog.regexp_matches(e.tree, ':funcid ([0-9]+)', 'g') AS m(found)
                JOIN pg_catalog.pg_proc p ON p.oid OPERATOR(pg_catalog.=) m.found[1]::pg_catalog.oid
               WHERE p.provolatile OPERATOR(pg_catalog.<>) 'i'
                 AND NOT p.proname OPERATOR(pg_catalog.=) ANY ('{clock_timestamp,now,statement_timestamp'
                   ',transaction_timestamp,nextval,gen_random_uuid,timezone,timestamptz,date,concat,to_char,system_user}'::pg_catalog.name[])
              ) p ON pg_catalog.strpos(e.tree, 'FUNCEXPR') OPERATOR(pg_catalog.>) 0
           WHERE x.objid IS NOT NULL OR p.proname IS NOT NULL
          HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) 0),
         (SELECT pg_catalog.concat('has an index that calls ', pg_catalog.min(p.proname::pg_catalog.text))
            FROM pg_catalog.pg_index i
            JOIN pg_catalog.pg_opclass o ON o.oid OPERATOR(pg_catalog.=) ANY (i.indclass::pg_catalog.oid[])
                                        AND o.oid OPERATOR(pg_catalog.>) 9999::pg_catalog.oid
            JOIN LATERAL (
              SELECT r.amproc::pg_catalog.oid FROM pg_catalog.pg_amproc r
               WHERE r.amprocfamily OPERATOR(pg_catalog.=) o.opcfamily
              UNION ALL
              SELECT q.oprcode::pg_catalog.oid FROM pg_catalog.pg_amop m
                JOIN pg_catalog.pg_operator q ON q.oid OPERATOR(pg_catalog.=) m.amopopr
               WHERE m.amopfamily OPERATOR(pg_catalog.=) o.opcfamily
              ) AS called(oid) ON true
            JOIN pg_catalog.pg_proc p ON p.oid OPERATOR(pg_catalog.=) called.oid
                                     AND NOT p.prolang OPERATOR(pg_catalog.=) ANY ('{12,13}'::pg_catalog.oid[])
           WHERE i.indrelid OPERATOR(pg_catalog.=) c.oid
          HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) 0)
       ]) AS f(what)
 WHERE f.what IS NOT NULL
