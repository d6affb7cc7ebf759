-- Purpose: every relation that is locked when objects are dropped with CASCADE: what pg_depend holds together, as
--   dependency.c follows it (dependents, and the owner of a part that is reached). For the named types, functions,
--   servers, operators and so on, and for all that the named roles own. One row, one JSON document. No lock on a user's
--   relation.
-- Privileges: none. Versions: 12 to 18. Look-ups go by indexes: the time grows with what falls.
WITH RECURSIVE
roots(kind, name, arguments, classid, objid, objsubid) AS (
  SELECT 'type', t.typname, 0, 'pg_catalog.pg_type'::regclass::oid, t.oid, 0 FROM pg_catalog.pg_type t
  WHERE t.typname = ANY (%(dropped)s::text[])
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = t.typrelid AND c.relkind <> 'c')
  UNION ALL
  SELECT 'function', p.proname, p.pronargs, 'pg_catalog.pg_proc'::regclass, p.oid, 0 FROM pg_catalog.pg_proc p
  WHERE p.proname = ANY (%(dropped)s::text[])
  UNION ALL
  SELECT 'foreign server', s.srvname, 0, 'pg_catalog.pg_foreign_server'::regclass, s.oid, 0
  FROM pg_catalog.pg_foreign_server s WHERE s.srvname = ANY (%(dropped)s::text[])
  UNION ALL
  SELECT 'fdw', w.fdwname, 0, 'pg_catalog.pg_foreign_data_wrapper'::regclass, w.oid, 0
  FROM pg_catalog.pg_foreign_data_wrapper w WHERE w.fdwname = ANY (%(dropped)s::text[])
  UNION ALL
  SELECT 'operator', o.oprname, 0, 'pg_catalog.pg_operator'::regclass, o.oid, 0 FROM pg_catalog.pg_operator o
  WHERE o.oprname = ANY (%(dropped)s::text[]) AND o.oid >= 16384
  UNION ALL
  SELECT 'opclass', o.opcname, 0, 'pg_catalog.pg_opclass'::regclass, o.oid, 0 FROM pg_catalog.pg_opclass o
  WHERE o.opcname = ANY (%(dropped)s::text[]) AND o.oid >= 16384
  UNION ALL
  SELECT 'opfamily', o.opfname, 0, 'pg_catalog.pg_opfamily'::regclass, o.oid, 0 FROM pg_catalog.pg_opfamily o
  WHERE o.opfname = ANY (%(dropped)s::text[]) AND o.oid >= 16384
  UNION ALL
  SELECT 'collation', o.collname, 0, 'pg_catalog.pg_collation'::regclass, o.oid, 0 FROM pg_catalog.pg_collation o
  WHERE o.collname = ANY (%(dropped)s::text[]) AND o.oid >= 16384
  UNION ALL
  SELECT 'access method', m.amname, 0, 'pg_catalog.pg_am'::regclass, m.oid, 0 FROM pg_catalog.pg_am m
  WHERE m.amname = ANY (%(dropped)s::text[])
  UNION ALL
  SELECT 'language', l.lanname, 0, 'pg_catalog.pg_language'::regclass, l.oid, 0 FROM pg_catalog.pg_language l
  WHERE l.lanname = ANY (%(dropped)s::text[])
  UNION ALL
  SELECT 'extension', e.extname, 0, 'pg_catalog.pg_extension'::regclass, e.oid, 0 FROM pg_catalog.pg_extension e
  WHERE e.extname = ANY (%(dropped)s::text[])
  UNION ALL
  SELECT 'schema', n.nspname, 0, 'pg_catalog.pg_namespace'::regclass, n.oid, 0 FROM pg_catalog.pg_namespace n
  WHERE n.nspname = ANY (%(dropped)s::text[])
  UNION ALL
  SELECT 'constraint', c.relname || '.' || k.conname, 0, 'pg_catalog.pg_constraint'::regclass, k.oid, 0
  FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
  WHERE k.conname = ANY (%(dropped)s::text[])
  UNION ALL
  SELECT 'ts configuration', x.cfgname, 0, 'pg_catalog.pg_ts_config'::regclass, x.oid, 0 FROM pg_catalog.pg_ts_config x
  WHERE x.cfgname = ANY (%(dropped)s::text[])
  UNION ALL
  SELECT 'ts dictionary', x.dictname, 0, 'pg_catalog.pg_ts_dict'::regclass, x.oid, 0 FROM pg_catalog.pg_ts_dict x
  WHERE x.dictname = ANY (%(dropped)s::text[])
  UNION ALL
  SELECT 'ts parser', x.prsname, 0, 'pg_catalog.pg_ts_parser'::regclass, x.oid, 0 FROM pg_catalog.pg_ts_parser x
  WHERE x.prsname = ANY (%(dropped)s::text[])
  UNION ALL
  SELECT 'ts template', x.tmplname, 0, 'pg_catalog.pg_ts_template'::regclass, x.oid, 0 FROM pg_catalog.pg_ts_template x
  WHERE x.tmplname = ANY (%(dropped)s::text[])
  UNION ALL
  SELECT 'relation', c.relname, 0, 'pg_catalog.pg_class'::regclass, c.oid, 0 FROM pg_catalog.pg_class c
  WHERE c.relname = ANY (%(dropped)s::text[]) AND c.oid >= 16384
  UNION ALL
  SELECT 'column', c.relname || '.' || a.attname, 0, 'pg_catalog.pg_class'::regclass, c.oid, a.attnum::int
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
  WHERE c.relname = ANY (%(dropped)s::text[]) AND a.attname = ANY (%(dropped)s::text[]) AND c.oid >= 16384
  UNION ALL
  SELECT 'owned', r.rolname, 0, s.classid, s.objid, 0
  FROM pg_catalog.pg_roles r
  JOIN pg_catalog.pg_shdepend s ON s.refclassid = 'pg_catalog.pg_authid'::regclass AND s.refobjid = r.oid
    AND (s.deptype = 'o' OR (s.classid = 'pg_catalog.pg_policy'::regclass  -- a policy for this role alone goes with it
      AND EXISTS (SELECT FROM pg_catalog.pg_policy y WHERE y.oid = s.objid AND pg_catalog.cardinality(y.polroles) = 1)))
    AND s.dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
  WHERE r.rolname = ANY (%(roles)s::text[])
),
falls(kind, name, arguments, classid, objid, objsubid) AS (
  SELECT kind::text, name::text, arguments::int, classid, objid, objsubid FROM roots
  UNION
  SELECT f.kind, f.name, f.arguments, e.classid, e.objid, e.objsubid
  FROM falls f CROSS JOIN LATERAL (
    SELECT d.classid, d.objid, d.objsubid FROM pg_catalog.pg_depend d
    WHERE d.refclassid = f.classid AND d.refobjid = f.objid AND (f.objsubid = 0 OR d.refobjsubid = f.objsubid)
      AND d.deptype <> 'x'
    UNION ALL
    SELECT d.refclassid, d.refobjid, d.refobjsubid FROM pg_catalog.pg_depend d
    WHERE d.classid = f.classid AND d.objid = f.objid AND d.objsubid = f.objsubid AND d.deptype = 'i'
  ) e
),
touched(kind, name, arguments, relid) AS (
  SELECT kind, name, arguments, objid FROM falls WHERE classid = 'pg_catalog.pg_class'::regclass
  UNION
  SELECT f.kind, f.name, f.arguments, i.indrelid FROM falls f JOIN pg_catalog.pg_index i ON i.indexrelid = f.objid
  WHERE f.classid = 'pg_catalog.pg_class'::regclass
  UNION
  SELECT f.kind, f.name, f.arguments, h.inhparent FROM falls f JOIN pg_catalog.pg_class c ON c.oid = f.objid AND c.relispartition
    AND c.relkind <> ALL ('{i,I}')
  JOIN pg_catalog.pg_inherits h ON h.inhrelid = c.oid
  WHERE f.classid = 'pg_catalog.pg_class'::regclass AND f.objsubid = 0
  UNION
  SELECT f.kind, f.name, f.arguments, t.partdefid FROM falls f JOIN pg_catalog.pg_class c ON c.oid = f.objid AND c.relispartition
  JOIN pg_catalog.pg_inherits h ON h.inhrelid = c.oid
  JOIN pg_catalog.pg_partitioned_table t ON t.partrelid = h.inhparent AND t.partdefid <> 0
  WHERE f.classid = 'pg_catalog.pg_class'::regclass AND f.objsubid = 0
  UNION
  SELECT f.kind, f.name, f.arguments, coalesce(x.adrelid, k.conrelid, t.tgrelid, r.ev_class, y.polrelid)
  FROM falls f
  LEFT JOIN pg_catalog.pg_attrdef x ON f.classid = 'pg_catalog.pg_attrdef'::regclass AND x.oid = f.objid
  LEFT JOIN pg_catalog.pg_constraint k ON f.classid = 'pg_catalog.pg_constraint'::regclass AND k.oid = f.objid AND k.conrelid <> 0
  LEFT JOIN pg_catalog.pg_trigger t ON f.classid = 'pg_catalog.pg_trigger'::regclass AND t.oid = f.objid
  LEFT JOIN pg_catalog.pg_rewrite r ON f.classid = 'pg_catalog.pg_rewrite'::regclass AND r.oid = f.objid
  LEFT JOIN pg_catalog.pg_policy y ON f.classid = 'pg_catalog.pg_policy'::regclass AND y.oid = f.objid
)
SELECT pg_catalog.json_agg(pg_catalog.json_build_array(u.kind, u.name, u.arguments,
         CASE WHEN n.oid = pg_catalog.pg_my_temp_schema() THEN 'pg_temp' ELSE n.nspname END, c.relname, c.relkind))
FROM touched u
JOIN pg_catalog.pg_class c ON c.oid = u.relid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname !~ '^pg_(catalog|toast)' AND n.nspname <> 'information_schema'
