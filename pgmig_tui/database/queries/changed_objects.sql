-- Purpose: the objects whose catalog rows were written, or are being deleted, since a transaction ID was given out.
-- Privileges: any login role; catalogs only.
-- Versions: 13-18. Everything is qualified: it is asked in the session of a script, under the script's search_path. By the
--   age of xmin and xmax, which is right across a wraparound; the row's place (ctid) tells one version of it from another.
--   `:since` is a transaction ID; `:only` narrows it to objects that another session has named.
SELECT o.class, o.id, o.sub, coalesce(i.type, ''), coalesce(i.identity, ''), o.row_at, o.gone, o.inside
  FROM (
    SELECT 'pg_catalog.pg_class' AS class, c.oid AS id, 0 AS sub, c.xmin AS born, c.xmax AS died,
           c.ctid::pg_catalog.text AS row_at, false AS gone, 0::pg_catalog.oid AS inside
      FROM pg_catalog.pg_class c
     WHERE c.relkind OPERATOR(pg_catalog.<>) 't' AND c.relpersistence OPERATOR(pg_catalog.<>) 't'
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k
                        WHERE k.conindid OPERATOR(pg_catalog.=) c.oid AND k.contype OPERATOR(pg_catalog.<>) 'f')
    UNION ALL
    SELECT 'pg_catalog.pg_class', a.attrelid, a.attnum, a.xmin, a.xmax, a.ctid::pg_catalog.text, a.attisdropped, a.attrelid
      FROM pg_catalog.pg_attribute a
      JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) a.attrelid
     WHERE a.attnum OPERATOR(pg_catalog.>) 0::pg_catalog.int2 AND c.relpersistence OPERATOR(pg_catalog.<>) 't'
       AND c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,v,m,f,c}'::"char"[])
    UNION ALL
    SELECT 'pg_catalog.pg_proc', p.oid, 0, p.xmin, p.xmax, p.ctid::pg_catalog.text, false, 0 FROM pg_catalog.pg_proc p
    UNION ALL
    SELECT 'pg_catalog.pg_type', t.oid, 0, t.xmin, t.xmax, t.ctid::pg_catalog.text, false, 0
      FROM pg_catalog.pg_type t WHERE t.typtype OPERATOR(pg_catalog.=) ANY ('{d,e,r}'::"char"[])
    UNION ALL
    SELECT 'pg_catalog.pg_type', e.enumtypid, -1, e.xmin, e.xmax, e.ctid::pg_catalog.text, false, e.enumtypid
      FROM pg_catalog.pg_enum e
    UNION ALL
    SELECT 'pg_catalog.pg_constraint', k.oid, 0, k.xmin, k.xmax, k.ctid::pg_catalog.text, false, k.conrelid
      FROM pg_catalog.pg_constraint k WHERE k.contype OPERATOR(pg_catalog.<>) ALL ('{t,n}'::"char"[])
    UNION ALL
    SELECT 'pg_catalog.pg_trigger', g.oid, 0, g.xmin, g.xmax, g.ctid::pg_catalog.text, false, g.tgrelid
      FROM pg_catalog.pg_trigger g WHERE NOT g.tgisinternal
    UNION ALL
    SELECT 'pg_catalog.pg_policy', p.oid, 0, p.xmin, p.xmax, p.ctid::pg_catalog.text, false, p.polrelid
      FROM pg_catalog.pg_policy p
    UNION ALL
    SELECT 'pg_catalog.pg_rewrite', r.oid, 0, r.xmin, r.xmax, r.ctid::pg_catalog.text, false, r.ev_class
      FROM pg_catalog.pg_rewrite r
    UNION ALL
    SELECT 'pg_catalog.pg_namespace', n.oid, 0, n.xmin, n.xmax, n.ctid::pg_catalog.text, false, 0
      FROM pg_catalog.pg_namespace n
    UNION ALL
    SELECT 'pg_catalog.pg_extension', x.oid, 0, x.xmin, x.xmax, x.ctid::pg_catalog.text, false, 0
      FROM pg_catalog.pg_extension x
  ) AS o
  CROSS JOIN LATERAL pg_catalog.pg_identify_object(o.class::pg_catalog.regclass, o.id, greatest(o.sub, 0)) AS i
 WHERE (pg_catalog.age(o.born) OPERATOR(pg_catalog.<=) pg_catalog.age(:since)
        OR (o.died OPERATOR(pg_catalog.<>) '0'::pg_catalog.xid
            AND pg_catalog.age(o.died) OPERATOR(pg_catalog.<=) pg_catalog.age(:since))
        OR :only)
