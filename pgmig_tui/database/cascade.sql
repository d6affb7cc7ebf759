-- Purpose: what falls, and what is locked, when objects are dropped: what pg_depend holds together, as dependency.c
--   follows it (dependents, and the owner of a part that is reached). For the named types, functions, relations,
--   servers, operators and so on, columns and constraints ("table.name"), and for all that the named roles own. What
--   goes along by itself (deptype a, i, e, P, S) needs no CASCADE; all else stands in the way of a DROP without one.
--   One row, one JSON document. No lock on a user's relation.
-- Privileges: none. Versions: 12 to 18. Look-ups go by indexes: the time grows with what falls.
WITH RECURSIVE
roots(kind, name, arguments, schema, classid, objid, objsubid) AS (
  SELECT 'type', t.typname, 0, t.typnamespace, 'pg_catalog.pg_type'::regclass::oid, t.oid, 0 FROM pg_catalog.pg_type t
  WHERE t.typname = ANY (%(dropped)s::text[])
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = t.typrelid AND c.relkind <> 'c')
  UNION ALL
  SELECT 'function', p.proname, p.pronargs, p.pronamespace, 'pg_catalog.pg_proc'::regclass, p.oid, 0 FROM pg_catalog.pg_proc p
  WHERE p.proname = ANY (%(dropped)s::text[])
  UNION ALL
  SELECT 'foreign server', s.srvname, 0, 0, 'pg_catalog.pg_foreign_server'::regclass, s.oid, 0
  FROM pg_catalog.pg_foreign_server s WHERE s.srvname = ANY (%(dropped)s::text[])
  UNION ALL
  SELECT 'fdw', w.fdwname, 0, 0, 'pg_catalog.pg_foreign_data_wrapper'::regclass, w.oid, 0
  FROM pg_catalog.pg_foreign_data_wrapper w WHERE w.fdwname = ANY (%(dropped)s::text[])
  UNION ALL
  SELECT 'operator', o.oprname, 0, o.oprnamespace, 'pg_catalog.pg_operator'::regclass, o.oid, 0 FROM pg_catalog.pg_operator o
  WHERE o.oprname = ANY (%(dropped)s::text[]) AND o.oid >= 16384
  UNION ALL
  SELECT 'opclass', o.opcname, 0, o.opcnamespace, 'pg_catalog.pg_opclass'::regclass, o.oid, 0 FROM pg_catalog.pg_opclass o
  WHERE o.opcname = ANY (%(dropped)s::text[]) AND o.oid >= 16384
  UNION ALL
  SELECT 'opfamily', o.opfname, 0, o.opfnamespace, 'pg_catalog.pg_opfamily'::regclass, o.oid, 0 FROM pg_catalog.pg_opfamily o
  WHERE o.opfname = ANY (%(dropped)s::text[]) AND o.oid >= 16384
  UNION ALL
  SELECT 'collation', o.collname, 0, o.collnamespace, 'pg_catalog.pg_collation'::regclass, o.oid, 0 FROM pg_catalog.pg_collation o
  WHERE o.collname = ANY (%(dropped)s::text[]) AND o.oid >= 16384
  UNION ALL
  SELECT 'access method', m.amname, 0, 0, 'pg_catalog.pg_am'::regclass, m.oid, 0 FROM pg_catalog.pg_am m
  WHERE m.amname = ANY (%(dropped)s::text[])
  UNION ALL
  SELECT 'language', l.lanname, 0, 0, 'pg_catalog.pg_language'::regclass, l.oid, 0 FROM pg_catalog.pg_language l
  WHERE l.lanname = ANY (%(dropped)s::text[])
  UNION ALL
  SELECT 'extension', e.extname, 0, 0, 'pg_catalog.pg_extension'::regclass, e.oid, 0 FROM pg_catalog.pg_extension e
  WHERE e.extname = ANY (%(dropped)s::text[])
  UNION ALL
  SELECT 'schema', n.nspname, 0, 0, 'pg_catalog.pg_namespace'::regclass, n.oid, 0 FROM pg_catalog.pg_namespace n
  WHERE n.nspname = ANY (%(dropped)s::text[])
  UNION ALL
  SELECT 'constraint', c.relname || '.' || k.conname, 0, c.relnamespace, 'pg_catalog.pg_constraint'::regclass, k.oid, 0
  FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
  WHERE c.relname || '.' || k.conname = ANY (%(parts)s::text[])
    AND k.conname = ANY (ARRAY(SELECT pg_catalog.split_part(p, '.', 2) FROM pg_catalog.unnest(%(parts)s::text[]) p))
  UNION ALL
  SELECT 'ts configuration', x.cfgname, 0, x.cfgnamespace, 'pg_catalog.pg_ts_config'::regclass, x.oid, 0 FROM pg_catalog.pg_ts_config x
  WHERE x.cfgname = ANY (%(dropped)s::text[])
  UNION ALL
  SELECT 'ts dictionary', x.dictname, 0, x.dictnamespace, 'pg_catalog.pg_ts_dict'::regclass, x.oid, 0 FROM pg_catalog.pg_ts_dict x
  WHERE x.dictname = ANY (%(dropped)s::text[])
  UNION ALL
  SELECT 'ts parser', x.prsname, 0, x.prsnamespace, 'pg_catalog.pg_ts_parser'::regclass, x.oid, 0 FROM pg_catalog.pg_ts_parser x
  WHERE x.prsname = ANY (%(dropped)s::text[])
  UNION ALL
  SELECT 'ts template', x.tmplname, 0, x.tmplnamespace, 'pg_catalog.pg_ts_template'::regclass, x.oid, 0 FROM pg_catalog.pg_ts_template x
  WHERE x.tmplname = ANY (%(dropped)s::text[])
  UNION ALL
  SELECT 'relation', c.relname, 0, c.relnamespace, 'pg_catalog.pg_class'::regclass, c.oid, 0 FROM pg_catalog.pg_class c
  WHERE c.relname = ANY (%(dropped)s::text[]) AND c.oid >= 16384
  UNION ALL
  SELECT 'column', c.relname || '.' || a.attname, 0, c.relnamespace, 'pg_catalog.pg_class'::regclass, c.oid, a.attnum::int
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
  WHERE c.relname = ANY (ARRAY(SELECT pg_catalog.split_part(p, '.', 1) FROM pg_catalog.unnest(%(parts)s::text[]) p))
    AND c.relname || '.' || a.attname = ANY (%(parts)s::text[]) AND a.attnum > 0 AND c.oid >= 16384
  UNION ALL
  SELECT 'owned', r.rolname, 0, 0, s.classid, s.objid, 0
  FROM pg_catalog.pg_roles r
  JOIN pg_catalog.pg_shdepend s ON s.refclassid = 'pg_catalog.pg_authid'::regclass AND s.refobjid = r.oid
    AND (s.deptype = 'o' OR (s.classid = 'pg_catalog.pg_policy'::regclass  -- a policy for this role alone goes with it
      AND EXISTS (SELECT FROM pg_catalog.pg_policy y WHERE y.oid = s.objid AND pg_catalog.cardinality(y.polroles) = 1)))
    AND s.dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
  WHERE r.rolname = ANY (%(roles)s::text[])
),
falls(kind, name, arguments, schema, classid, objid, objsubid, soft) AS (
  SELECT kind::text, name::text, arguments::int, schema::oid, classid, objid, objsubid, true FROM roots
  UNION
  SELECT f.kind, f.name, f.arguments, f.schema, e.classid, e.objid, e.objsubid, f.soft AND e.soft
  FROM falls f CROSS JOIN LATERAL (
    SELECT d.classid, d.objid, d.objsubid, d.deptype <> 'n' AS soft FROM pg_catalog.pg_depend d
    WHERE d.refclassid = f.classid AND d.refobjid = f.objid AND (f.objsubid = 0 OR d.refobjsubid = f.objsubid)
      AND d.deptype <> 'x'
    UNION ALL
    SELECT d.refclassid, d.refobjid, d.refobjsubid, true FROM pg_catalog.pg_depend d
    WHERE d.classid = f.classid AND d.objid = f.objid AND d.objsubid = f.objsubid AND d.deptype = 'i'
  ) e
),
touched(kind, name, arguments, schema, relid, attnum) AS (  -- attnum: 0 = the relation falls, -1 = it is locked only
  SELECT kind, name, arguments, schema, objid, objsubid FROM falls WHERE classid = 'pg_catalog.pg_class'::regclass
  UNION
  SELECT f.kind, f.name, f.arguments, f.schema, i.indrelid, -1 FROM falls f
  JOIN pg_catalog.pg_index i ON i.indexrelid = f.objid
  WHERE f.classid = 'pg_catalog.pg_class'::regclass
  UNION
  SELECT f.kind, f.name, f.arguments, f.schema, h.inhparent, -1 FROM falls f
  JOIN pg_catalog.pg_class c ON c.oid = f.objid AND c.relispartition AND c.relkind <> ALL ('{i,I}')
  JOIN pg_catalog.pg_inherits h ON h.inhrelid = c.oid
  WHERE f.classid = 'pg_catalog.pg_class'::regclass AND f.objsubid = 0
  UNION
  SELECT f.kind, f.name, f.arguments, f.schema, t.partdefid, -1 FROM falls f
  JOIN pg_catalog.pg_class c ON c.oid = f.objid AND c.relispartition
  JOIN pg_catalog.pg_inherits h ON h.inhrelid = c.oid
  JOIN pg_catalog.pg_partitioned_table t ON t.partrelid = h.inhparent AND t.partdefid <> 0
  WHERE f.classid = 'pg_catalog.pg_class'::regclass AND f.objsubid = 0
  UNION
  SELECT f.kind, f.name, f.arguments, f.schema, coalesce(x.adrelid, k.conrelid, t.tgrelid, r.ev_class, y.polrelid), -1
  FROM falls f
  LEFT JOIN pg_catalog.pg_attrdef x ON f.classid = 'pg_catalog.pg_attrdef'::regclass AND x.oid = f.objid
  LEFT JOIN pg_catalog.pg_constraint k ON f.classid = 'pg_catalog.pg_constraint'::regclass AND k.oid = f.objid AND k.conrelid <> 0
  LEFT JOIN pg_catalog.pg_trigger t ON f.classid = 'pg_catalog.pg_trigger'::regclass AND t.oid = f.objid
  LEFT JOIN pg_catalog.pg_rewrite r ON f.classid = 'pg_catalog.pg_rewrite'::regclass AND r.oid = f.objid
  LEFT JOIN pg_catalog.pg_policy y ON f.classid = 'pg_catalog.pg_policy'::regclass AND y.oid = f.objid
),
reached AS (
  SELECT f.*, pg_catalog.bool_or(f.soft) OVER (PARTITION BY f.kind, f.name, f.arguments, f.schema, f.classid, f.objid, f.objsubid)
    OR pg_catalog.bool_or(f.soft AND f.objsubid = 0) OVER (PARTITION BY f.kind, f.name, f.arguments, f.schema, f.classid, f.objid)
    AS along
  FROM falls f WHERE f.kind <> 'owned'
),
in_the_way AS (  -- what is reached by nothing but ordinary dependencies
  SELECT r.*, pg_catalog.row_number() OVER (PARTITION BY r.kind, r.name, r.arguments, r.schema
                                            ORDER BY r.classid, r.objid, r.objsubid) AS place
  FROM reached r WHERE NOT r.along
    AND NOT (r.classid = 'pg_catalog.pg_type'::regclass AND EXISTS (  -- row types, and arrays of them
      SELECT FROM pg_catalog.pg_type t JOIN pg_catalog.pg_class c ON c.reltype IN (t.oid, t.typelem) AND c.relkind <> 'c'
      WHERE t.oid = r.objid AND t.oid <> 0))
)
SELECT pg_catalog.json_build_object(
  'falls', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(u.kind, u.name, u.arguments, u.of, u.nspname, u.relname,
                     u.relkind, u.whole, u.columns))
    FROM (
      SELECT t.kind, t.name, t.arguments, s.nspname AS of,
             CASE WHEN n.oid = pg_catalog.pg_my_temp_schema() THEN 'pg_temp' ELSE n.nspname END AS nspname, c.relname,
             c.relkind, pg_catalog.bool_or(t.attnum = 0) AS whole,
             pg_catalog.array_agg(a.attname ORDER BY a.attnum) FILTER (WHERE a.attname IS NOT NULL) AS columns
      FROM touched t JOIN pg_catalog.pg_class c ON c.oid = t.relid
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      LEFT JOIN pg_catalog.pg_namespace s ON s.oid = t.schema
      LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = t.relid AND a.attnum = t.attnum AND t.attnum > 0
      WHERE n.nspname !~ '^pg_(catalog|toast)' AND n.nspname <> 'information_schema'
      GROUP BY t.kind, t.name, t.arguments, s.nspname, n.oid, n.nspname, c.relname, c.relkind
    ) u),
  'in_the_way', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(w.kind, w.name, w.arguments, s.nspname, o.type,
                          o.identity, n.nspname, c.relname, a.attname, p.proname,
      EXISTS (SELECT FROM roots r JOIN pg_catalog.pg_depend d ON d.refclassid = r.classid AND d.refobjid = r.objid
        AND (r.objsubid = 0 OR d.refobjsubid = r.objsubid)
        WHERE r.kind = w.kind AND r.name = w.name AND r.arguments = w.arguments AND r.schema = w.schema
          AND d.classid = w.classid AND d.objid = w.objid)))
    FROM in_the_way w
    CROSS JOIN LATERAL pg_catalog.pg_identify_object(w.classid, w.objid, w.objsubid) o
    LEFT JOIN pg_catalog.pg_namespace s ON s.oid = w.schema
    LEFT JOIN pg_catalog.pg_attrdef x ON w.classid = 'pg_catalog.pg_attrdef'::regclass AND x.oid = w.objid
    LEFT JOIN pg_catalog.pg_constraint k ON w.classid = 'pg_catalog.pg_constraint'::regclass AND k.oid = w.objid AND k.conrelid <> 0
    LEFT JOIN pg_catalog.pg_trigger t ON w.classid = 'pg_catalog.pg_trigger'::regclass AND t.oid = w.objid
    LEFT JOIN pg_catalog.pg_rewrite r ON w.classid = 'pg_catalog.pg_rewrite'::regclass AND r.oid = w.objid
    LEFT JOIN pg_catalog.pg_policy y ON w.classid = 'pg_catalog.pg_policy'::regclass AND y.oid = w.objid
    LEFT JOIN pg_catalog.pg_class c ON c.oid = coalesce(x.adrelid, k.conrelid, t.tgrelid, r.ev_class, y.polrelid,
      CASE WHEN w.classid = 'pg_catalog.pg_class'::regclass THEN w.objid END)
    LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
      AND a.attnum = CASE WHEN w.classid = 'pg_catalog.pg_class'::regclass THEN w.objsubid ELSE x.adnum END AND a.attnum > 0
    LEFT JOIN pg_catalog.pg_proc p ON w.classid = 'pg_catalog.pg_proc'::regclass AND p.oid = w.objid
    WHERE w.place <= 20)
)
