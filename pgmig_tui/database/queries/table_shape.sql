-- Purpose: a number that changes when anything is done to the relations of these OIDs that could make code of others run:
--   it is asked for in the transaction of every step, and foreign_code.sql only once a run.
-- Privileges: any login role; catalogs only.
-- Versions: 13-18. Everything is qualified, as in foreign_code.sql. By OIDs, because joins take the server longer to plan
--   than to carry out; another relation that has taken a name shows in the name that this one has now. `:relations` is
--   an array of OIDs; the text stands in the function tables_shape(), too, whose plan a session keeps.
SELECT pg_catalog.hashtextextended(pg_catalog.concat_ws(';',
  (SELECT pg_catalog.string_agg(pg_catalog.concat_ws(' ', c.oid, n.nspname, c.relname, c.relkind, c.relhasrules,
            c.relrowsecurity, c.relispartition, c.relhassubclass), ',' ORDER BY c.oid)
     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
    WHERE c.oid OPERATOR(pg_catalog.=) ANY (:relations)),
  (SELECT pg_catalog.string_agg(t.oid::pg_catalog.text, ',' ORDER BY t.oid)
     FROM pg_catalog.pg_trigger t WHERE t.tgrelid OPERATOR(pg_catalog.=) ANY (:relations)),
  (SELECT pg_catalog.string_agg(pg_catalog.concat(d.oid, '.', d.xmin), ',' ORDER BY d.oid)
     FROM pg_catalog.pg_attrdef d WHERE d.adrelid OPERATOR(pg_catalog.=) ANY (:relations)),
  (SELECT pg_catalog.string_agg(k.oid::pg_catalog.text, ',' ORDER BY k.oid)
     FROM pg_catalog.pg_constraint k WHERE k.conrelid OPERATOR(pg_catalog.=) ANY (:relations)),
  (SELECT pg_catalog.string_agg(i.indexrelid::pg_catalog.text, ',' ORDER BY i.indexrelid)
     FROM pg_catalog.pg_index i WHERE i.indrelid OPERATOR(pg_catalog.=) ANY (:relations)),
  (SELECT pg_catalog.string_agg(pg_catalog.concat(a.attrelid, '.', a.atttypid), ',' ORDER BY a.attrelid, a.attnum)
     FROM pg_catalog.pg_attribute a
    WHERE a.attrelid OPERATOR(pg_catalog.=) ANY (:relations) AND a.attnum OPERATOR(pg_catalog.>) 0::pg_catalog.int2)), 0)
