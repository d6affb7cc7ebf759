-- Purpose: the facts that impact needs of the named relations, types, functions, schemas, roles and publications, and
--   of what depends on them. One statement, one row, one JSON document. Takes no lock on a user's relation and waits for
--   none: sizes are the planner's and CHECKs come as node trees, since pg_relation_size and pg_get_constraintdef would
--   wait for an ACCESS EXCLUSIVE holder.
-- Privileges: none; it reads what every role may read of pg_catalog.
-- Versions: 12 to 18. Every look-up goes by an index: the time grows with what is named, not with the catalog.
WITH RECURSIVE
path AS (
  SELECT n.oid FROM pg_catalog.unnest(pg_catalog.current_schemas(true)) AS s(name)
  JOIN pg_catalog.pg_namespace n ON n.nspname = s.name
),
asked AS (
  SELECT DISTINCT a.schema, a.name, n.oid AS nsp
  FROM ROWS FROM (pg_catalog.unnest(%(schemas)s::text[]), pg_catalog.unnest(%(names)s::text[])) AS a(schema, name)
  JOIN pg_catalog.pg_namespace n
    ON CASE WHEN a.schema = '' THEN n.oid IN (SELECT oid FROM path)
            WHEN a.schema = 'pg_temp' THEN n.oid = pg_catalog.pg_my_temp_schema()
            ELSE n.nspname = a.schema END
),
asked_types AS (
  SELECT t.oid FROM asked a JOIN pg_catalog.pg_type t ON t.typname = a.name AND t.typnamespace = a.nsp
  WHERE t.typtype IN ('d', 'e', 'r', 'm', 'b', 'c')
),
type_uses(origin, oid) AS (
  SELECT oid, oid FROM asked_types
  UNION
  SELECT u.origin, e.oid FROM type_uses u CROSS JOIN LATERAL (
    SELECT t.typarray AS oid FROM pg_catalog.pg_type t WHERE t.oid = u.oid AND t.typarray <> 0
    UNION ALL
    SELECT d.objid FROM pg_catalog.pg_depend d
    WHERE d.classid = 'pg_catalog.pg_type'::regclass AND d.refclassid = 'pg_catalog.pg_type'::regclass
      AND d.refobjid = u.oid AND d.objid <> u.oid
    UNION ALL
    SELECT c.reltype FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_class c ON c.oid = d.objid AND c.relkind = 'c'
    WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.refclassid = 'pg_catalog.pg_type'::regclass
      AND d.refobjid = u.oid
  ) e
),
type_columns AS (
  SELECT DISTINCT u.origin, d.objid AS relid, d.objsubid AS attnum
  FROM type_uses u
  JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_type'::regclass AND d.refobjid = u.oid
    AND d.classid = 'pg_catalog.pg_class'::regclass AND d.deptype <> 'i'
  JOIN pg_catalog.pg_class c ON c.oid = d.objid AND c.relkind IN ('r', 'p', 'f', 'm')
),
asked_functions AS (
  SELECT p.oid, p.proname, p.pronamespace, p.provolatile, p.prolang, p.prosrc, p.prokind
  FROM asked a JOIN pg_catalog.pg_proc p ON p.proname = a.name AND p.pronamespace = a.nsp
),
function_users AS (
  SELECT f.proname, f.pronamespace, coalesce(t.tgrelid, x.adrelid, r.ev_class, k.conrelid, i.indrelid, y.polrelid) AS relid,
         CASE WHEN r.oid IS NOT NULL THEN 'rule' WHEN x.oid IS NOT NULL THEN 'd' WHEN y.oid IS NOT NULL THEN 'y'
              WHEN t.oid IS NOT NULL THEN 'g' WHEN k.oid IS NOT NULL THEN 'c' ELSE 'i' END AS kind,
         coalesce(i.indexrelid, 0) AS part
  FROM asked_functions f
  JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_proc'::regclass AND d.refobjid = f.oid
  LEFT JOIN pg_catalog.pg_trigger t ON d.classid = 'pg_catalog.pg_trigger'::regclass AND t.oid = d.objid
  LEFT JOIN pg_catalog.pg_attrdef x ON d.classid = 'pg_catalog.pg_attrdef'::regclass AND x.oid = d.objid
  LEFT JOIN pg_catalog.pg_rewrite r ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND r.oid = d.objid
  LEFT JOIN pg_catalog.pg_constraint k ON d.classid = 'pg_catalog.pg_constraint'::regclass AND k.oid = d.objid
  LEFT JOIN pg_catalog.pg_index i ON d.classid = 'pg_catalog.pg_class'::regclass AND i.indexrelid = d.objid
  LEFT JOIN pg_catalog.pg_policy y ON d.classid = 'pg_catalog.pg_policy'::regclass AND y.oid = d.objid
),
owned AS (
  SELECT r.rolname, s.objid AS relid
  FROM pg_catalog.pg_roles r
  JOIN pg_catalog.pg_shdepend s ON s.refclassid = 'pg_catalog.pg_authid'::regclass AND s.refobjid = r.oid
    AND s.deptype = 'o' AND s.classid = 'pg_catalog.pg_class'::regclass
    AND s.dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
  WHERE r.rolname = ANY (%(roles)s::text[])
  UNION ALL  -- composite types
  SELECT r.rolname, t.typrelid
  FROM pg_catalog.pg_roles r
  JOIN pg_catalog.pg_shdepend s ON s.refclassid = 'pg_catalog.pg_authid'::regclass AND s.refobjid = r.oid
    AND s.deptype = 'o' AND s.classid = 'pg_catalog.pg_type'::regclass
    AND s.dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
  JOIN pg_catalog.pg_type t ON t.oid = s.objid AND t.typrelid <> 0
  WHERE r.rolname = ANY (%(roles)s::text[])
),
inside AS (
  SELECT n.nspname, d.objid AS relid
  FROM pg_catalog.pg_namespace n
  JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_namespace'::regclass AND d.refobjid = n.oid
    AND d.classid = 'pg_catalog.pg_class'::regclass
  WHERE n.nspname = ANY (%(all_of)s::text[])
  UNION ALL  -- a bare ANALYZE or REINDEX DATABASE names everything there is
  SELECT n.nspname, c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE '*' = ANY (%(all_of)s::text[]) AND n.nspname !~ '^pg_(catalog|toast)' AND n.nspname <> 'information_schema'
    AND c.relkind IN ('r', 'p', 'f', 'm')
  UNION ALL
  SELECT 'pg_temp', d.objid FROM pg_catalog.pg_depend d
  WHERE 'pg_temp' = ANY (%(all_of)s::text[]) AND d.refclassid = 'pg_catalog.pg_namespace'::regclass
    AND d.refobjid = pg_catalog.pg_my_temp_schema() AND d.classid = 'pg_catalog.pg_class'::regclass
  UNION ALL
  SELECT n.nspname, t.typrelid
  FROM pg_catalog.pg_namespace n
  JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_namespace'::regclass AND d.refobjid = n.oid
    AND d.classid = 'pg_catalog.pg_type'::regclass
  JOIN pg_catalog.pg_type t ON t.oid = d.objid AND t.typtype = 'c'
  WHERE n.nspname = ANY (%(all_of)s::text[])
),
published AS (
  SELECT p.pubname, r.prrelid AS relid FROM pg_catalog.pg_publication p
  JOIN pg_catalog.pg_publication_rel r ON r.prpubid = p.oid
  WHERE p.pubname = ANY (%(publications)s::text[])
),
stats AS (
  SELECT n.nspname, x.stxname, x.stxrelid AS relid FROM asked a
  JOIN pg_catalog.pg_statistic_ext x ON x.stxname = a.name AND x.stxnamespace = a.nsp
  JOIN pg_catalog.pg_namespace n ON n.oid = a.nsp
),
roots AS (
  SELECT coalesce(i.indrelid, c.oid) AS oid FROM asked a
  JOIN pg_catalog.pg_class c ON c.relname = a.name AND c.relnamespace = a.nsp
  LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
  UNION SELECT relid FROM type_columns
  UNION SELECT relid FROM function_users WHERE relid IS NOT NULL
  UNION SELECT coalesce(i.indrelid, o.relid) FROM owned o LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = o.relid
  UNION SELECT coalesce(i.indrelid, o.relid) FROM inside o LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = o.relid
  UNION SELECT relid FROM published
  UNION SELECT relid FROM stats
),
down(oid) AS (  -- what is reached or falls with them: children, views, referencing tables, owned sequences
  SELECT oid FROM roots
  UNION
  SELECT e.oid FROM down d CROSS JOIN LATERAL (
    SELECT h.inhrelid AS oid FROM pg_catalog.pg_inherits h WHERE h.inhparent = d.oid
    UNION ALL
    SELECT r.ev_class FROM pg_catalog.pg_depend p JOIN pg_catalog.pg_rewrite r ON r.oid = p.objid
    WHERE p.classid = 'pg_catalog.pg_rewrite'::regclass AND p.refclassid = 'pg_catalog.pg_class'::regclass
      AND p.refobjid = d.oid AND r.ev_class <> d.oid
    UNION ALL
    SELECT k.conrelid FROM pg_catalog.pg_depend p JOIN pg_catalog.pg_constraint k ON k.oid = p.objid
    WHERE p.classid = 'pg_catalog.pg_constraint'::regclass AND p.refclassid = 'pg_catalog.pg_class'::regclass
      AND p.refobjid = d.oid AND k.contype = 'f' AND k.confrelid = d.oid
    UNION ALL
    SELECT p.objid FROM pg_catalog.pg_depend p JOIN pg_catalog.pg_class s ON s.oid = p.objid AND s.relkind = 'S'
    WHERE p.classid = 'pg_catalog.pg_class'::regclass AND p.refclassid = 'pg_catalog.pg_class'::regclass
      AND p.refobjid = d.oid AND p.deptype IN ('a', 'i')
    UNION ALL
    SELECT y.polrelid FROM pg_catalog.pg_depend p JOIN pg_catalog.pg_policy y ON y.oid = p.objid
    WHERE p.classid = 'pg_catalog.pg_policy'::regclass AND p.refclassid = 'pg_catalog.pg_class'::regclass
      AND p.refobjid = d.oid AND y.polrelid <> d.oid
    UNION ALL
    SELECT x.adrelid FROM pg_catalog.pg_depend p JOIN pg_catalog.pg_attrdef x ON x.oid = p.objid
    WHERE p.classid = 'pg_catalog.pg_attrdef'::regclass AND p.refclassid = 'pg_catalog.pg_class'::regclass
      AND p.refobjid = d.oid AND x.adrelid <> d.oid
    UNION ALL
    SELECT t.objid FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_depend t ON t.refclassid = 'pg_catalog.pg_type'::regclass AND t.refobjid = c.reltype
      AND t.classid = 'pg_catalog.pg_class'::regclass AND t.objsubid = 0 AND t.objid <> c.oid
    WHERE c.oid = d.oid AND c.relkind = 'c'
  ) e
),
up(oid) AS (  -- ancestors, and what views and rules read
  SELECT oid FROM down
  UNION
  SELECT e.oid FROM up u CROSS JOIN LATERAL (
    SELECT h.inhparent AS oid FROM pg_catalog.pg_inherits h WHERE h.inhrelid = u.oid
    UNION ALL
    SELECT p.refobjid FROM pg_catalog.pg_rewrite r
    JOIN pg_catalog.pg_depend p ON p.classid = 'pg_catalog.pg_rewrite'::regclass AND p.objid = r.oid
      AND p.refclassid = 'pg_catalog.pg_class'::regclass
    WHERE r.ev_class = u.oid AND p.refobjid <> u.oid
  ) e
),
around(oid) AS (  -- the other ends of their foreign keys, default partitions; and whatever is below those
  SELECT oid FROM (
    SELECT oid FROM up
    UNION SELECT k.confrelid FROM up u JOIN pg_catalog.pg_constraint k ON k.conrelid = u.oid AND k.contype = 'f'
    UNION SELECT t.partdefid FROM up u JOIN pg_catalog.pg_partitioned_table t ON t.partrelid = u.oid
    WHERE t.partdefid <> 0
  ) first
  UNION
  SELECT h.inhrelid FROM around a JOIN pg_catalog.pg_inherits h ON h.inhparent = a.oid
),
chosen AS (
  SELECT c.*, CASE WHEN n.oid = pg_catalog.pg_my_temp_schema() THEN 'pg_temp' ELSE n.nspname END AS nspname
  FROM around a
  JOIN pg_catalog.pg_class c ON c.oid = a.oid AND c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S', 'c')
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
),
named AS (SELECT oid, pg_catalog.json_build_array(nspname, relname) AS name FROM chosen),
depends AS (  -- who hangs on whom, by column
  SELECT d.refobjid AS relid, r.ev_class AS user_oid, CASE WHEN v.relkind IN ('v', 'm') THEN v.relkind::text ELSE 'rule' END AS kind,
         pg_catalog.array_agg(a.attname) FILTER (WHERE a.attname IS NOT NULL) AS columns
  FROM chosen c
  JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = c.oid
    AND d.classid = 'pg_catalog.pg_rewrite'::regclass
  JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid AND r.ev_class <> c.oid
  JOIN pg_catalog.pg_class v ON v.oid = r.ev_class
  LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid AND d.refobjsubid > 0
  GROUP BY 1, 2, 3
  UNION ALL
  SELECT d.refobjid, y.polrelid, 'y', pg_catalog.array_agg(a.attname) FILTER (WHERE a.attname IS NOT NULL)
  FROM chosen c
  JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = c.oid
    AND d.classid = 'pg_catalog.pg_policy'::regclass
  JOIN pg_catalog.pg_policy y ON y.oid = d.objid AND y.polrelid <> c.oid
  LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid AND d.refobjsubid > 0
  GROUP BY 1, 2
  UNION ALL
  SELECT d.refobjid, x.adrelid, 'd', NULL
  FROM chosen c
  JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = c.oid
    AND d.classid = 'pg_catalog.pg_attrdef'::regclass
  JOIN pg_catalog.pg_attrdef x ON x.oid = d.objid AND x.adrelid <> c.oid
  WHERE c.relkind = 'S'
  UNION ALL
  SELECT c.oid, d.objid, 't', NULL
  FROM chosen c
  JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_type'::regclass AND d.refobjid = c.reltype
    AND d.classid = 'pg_catalog.pg_class'::regclass AND d.objsubid = 0 AND d.objid <> c.oid
  WHERE c.relkind = 'c'
),
base_types(oid, base, typmod, constrained) AS (  -- domains down to what they are stored as
  SELECT t.oid, t.typbasetype, t.typtypmod,
         t.typnotnull OR EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.contypid = t.oid)
  FROM pg_catalog.pg_type t
  WHERE t.typtype = 'd' AND t.oid IN (
    SELECT oid FROM asked_types
    UNION SELECT a.atttypid FROM chosen c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0)
  UNION ALL
  SELECT b.oid, t.typbasetype, t.typtypmod,
         b.constrained OR t.typnotnull OR EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.contypid = t.oid)
  FROM base_types b JOIN pg_catalog.pg_type t ON t.oid = b.base AND t.typtype = 'd'
)
SELECT pg_catalog.json_build_object(
  'search_path', pg_catalog.current_schemas(false),
  'timezone', pg_catalog.current_setting('TimeZone'),
  'role', CURRENT_USER,
  'prepared', (SELECT pg_catalog.json_object_agg(q.name, q.statement) FROM pg_catalog.pg_prepared_statements q
               WHERE q.name = ANY (%(prepared)s::text[])),
  'relations', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
    'name', pg_catalog.json_build_array(c.nspname, c.relname),
    'kind', c.relkind, 'persistence', c.relpersistence,
    'owner', pg_catalog.pg_get_userbyid(c.relowner),
    'am', (SELECT amname FROM pg_catalog.pg_am WHERE oid = c.relam),
    'pages', c.relpages, 'rows', c.reltuples, 'live', pg_catalog.pg_stat_get_live_tuples(c.oid),
    'block', pg_catalog.current_setting('block_size')::int,
    'is_partition', c.relispartition,
    'columns', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
        a.attname, t.typname, tn.nspname, a.atttypmod, a.attnotnull, a.atthasdef, a.attidentity, a.attgenerated,
        (SELECT collname FROM pg_catalog.pg_collation WHERE oid = a.attcollation AND a.attcollation <> t.typcollation), a.attnum)
        ORDER BY a.attnum)
      FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
      JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace
      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind <> 'S'),
    'indexes', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
        'name', pg_catalog.json_build_array(c.nspname, i.relname),
        'keys', (SELECT pg_catalog.json_agg(a.attname ORDER BY k.ord) FROM pg_catalog.unnest(x.indkey::int2[])
                 WITH ORDINALITY AS k(attnum, ord)
                 JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
                 WHERE k.ord <= x.indnkeyatts),
        'columns', (SELECT pg_catalog.json_agg(a.attname) FROM pg_catalog.pg_attribute a
                    WHERE a.attrelid = c.oid AND a.attnum > 0 AND (a.attnum = ANY (x.indkey::int2[]) OR a.attnum IN (
                      SELECT d.refobjsubid FROM pg_catalog.pg_depend d
                      WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = x.indexrelid
                        AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = c.oid))),
        'unique', x.indisunique, 'primary', x.indisprimary, 'valid', x.indisvalid,
        'constraint', (SELECT k.conname FROM pg_catalog.pg_constraint k
                       WHERE k.conrelid = c.oid AND k.conindid = x.indexrelid AND k.contype IN ('p', 'u', 'x')),
        'parent', (SELECT pg_catalog.json_build_array(n.nspname, p.relname) FROM pg_catalog.pg_inherits h
                   JOIN pg_catalog.pg_class p ON p.oid = h.inhparent
                   JOIN pg_catalog.pg_namespace n ON n.oid = p.relnamespace WHERE h.inhrelid = x.indexrelid),
        'pages', i.relpages,
        'tablespace', (SELECT s.spcname FROM pg_catalog.pg_tablespace s
                       WHERE s.oid = coalesce(nullif(i.reltablespace, 0), (SELECT dattablespace FROM pg_catalog.pg_database
                         WHERE datname = pg_catalog.current_database())))))
      FROM pg_catalog.pg_index x JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid WHERE x.indrelid = c.oid),
    'constraints', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
        'name', k.conname, 'kind', k.contype, 'valid', k.convalidated, 'no_inherit', k.connoinherit,
        'columns', (SELECT pg_catalog.json_agg(a.attname ORDER BY u.ord) FROM pg_catalog.unnest(k.conkey)
                    WITH ORDINALITY AS u(attnum, ord)
                    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = u.attnum),
        'expression', CASE WHEN k.contype = 'c' THEN k.conbin::text END, 'inherited', k.conparentid <> 0, 'id', k.oid::int8, 'parent', k.conparentid::int8,
        'shape', pg_catalog.concat(k.confmatchtype, k.condeferrable, k.condeferred),
        'referenced', (SELECT n.name FROM named n WHERE n.oid = k.confrelid),
        'referenced_columns', (SELECT pg_catalog.json_agg(a.attname ORDER BY u.ord) FROM pg_catalog.unnest(k.confkey)
                    WITH ORDINALITY AS u(attnum, ord)
                    JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.attnum),
        'on_delete', k.confdeltype, 'on_update', k.confupdtype,
        'enforced', coalesce((pg_catalog.to_jsonb(k) ->> 'conenforced')::bool, true),
        'index', (SELECT pg_catalog.json_build_array(n.nspname, i.relname) FROM pg_catalog.pg_class i
                  JOIN pg_catalog.pg_namespace n ON n.oid = i.relnamespace WHERE i.oid = k.conindid)))
      FROM pg_catalog.pg_constraint k WHERE k.conrelid = c.oid AND k.contype IN ('c', 'n', 'f')),
    'parents', (SELECT pg_catalog.json_agg(n.name ORDER BY h.inhseqno) FROM pg_catalog.pg_inherits h
                JOIN named n ON n.oid = h.inhparent WHERE h.inhrelid = c.oid),
    'children', (SELECT pg_catalog.json_agg(n.name) FROM pg_catalog.pg_inherits h
                 JOIN named n ON n.oid = h.inhrelid WHERE h.inhparent = c.oid),
    'default_partition', (SELECT n.name FROM pg_catalog.pg_partitioned_table t JOIN named n ON n.oid = t.partdefid
                          WHERE t.partrelid = c.oid),
    'sequences', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(n.name, a.attname, d.deptype = 'i'))
      FROM pg_catalog.pg_depend d JOIN named n ON n.oid = d.objid
      JOIN pg_catalog.pg_class s ON s.oid = d.objid AND s.relkind = 'S'
      JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid
      WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.refclassid = 'pg_catalog.pg_class'::regclass
        AND d.refobjid = c.oid AND d.deptype IN ('a', 'i')),
    'dependents', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(n.name, d.kind, d.columns))
                   FROM depends d JOIN named n ON n.oid = d.user_oid WHERE d.relid = c.oid),
    'reads', (SELECT pg_catalog.json_agg(DISTINCT n.name::text) FROM pg_catalog.pg_rewrite r
              JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = r.oid
                AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid <> c.oid
              JOIN named n ON n.oid = d.refobjid WHERE r.ev_class = c.oid),
    'triggers', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
        t.tgname, n.nspname, p.proname, t.tgtype, t.tgenabled,
        (SELECT pg_catalog.json_agg(a.attname) FROM pg_catalog.pg_attribute a
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND a.attnum = ANY (t.tgattr::int2[]))) ORDER BY t.tgname)
      FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
      JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE t.tgrelid = c.oid AND NOT t.tgisinternal),
    'rules', (SELECT pg_catalog.json_agg(r.rulename) FROM pg_catalog.pg_rewrite r
              WHERE r.ev_class = c.oid AND r.rulename <> '_RETURN'),
    'policies', (SELECT pg_catalog.json_agg(y.polname) FROM pg_catalog.pg_policy y WHERE y.polrelid = c.oid),
    'tablespace', (SELECT s.spcname FROM pg_catalog.pg_tablespace s
                   WHERE s.oid = CASE WHEN c.reltablespace <> 0 THEN c.reltablespace
                                      WHEN c.relkind IN ('r', 'm', 'p') THEN (SELECT dattablespace FROM pg_catalog.pg_database
                                        WHERE datname = pg_catalog.current_database()) END)
  )) FROM chosen c),
  'types', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
    'name', pg_catalog.json_build_array(n.nspname, t.typname), 'kind', t.typtype,
    'base', (SELECT y.typname FROM base_types b JOIN pg_catalog.pg_type y ON y.oid = b.base AND y.typtype <> 'd'
             WHERE b.oid = t.oid LIMIT 1),
    'typmod', (SELECT b.typmod FROM base_types b WHERE b.oid = t.oid AND b.typmod <> -1 LIMIT 1),
    'constrained', (SELECT pg_catalog.bool_or(b.constrained) FROM base_types b WHERE b.oid = t.oid),
    'uses', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(m.name, a.attname)) FROM type_columns u
             JOIN named m ON m.oid = u.relid
             LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = u.relid AND a.attnum = u.attnum AND u.attnum > 0
             WHERE u.origin = t.oid)))
    FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
    WHERE t.oid IN (SELECT oid FROM asked_types UNION SELECT oid FROM base_types) AND n.nspname <> 'pg_catalog'),
  'functions', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
    'name', pg_catalog.json_build_array(n.nspname, f.proname), 'volatility', f.provolatile, 'language', l.lanname,
    'body', CASE WHEN n.nspname = 'pg_catalog' OR f.prokind = 'a' THEN ''
                 WHEN l.lanname = 'plpgsql' THEN pg_catalog.pg_get_functiondef(f.oid)
                 WHEN l.lanname = 'sql' THEN f.prosrc ELSE '' END,
    'users', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(m.name, u.kind, c.relkind,
        (SELECT x.relname FROM pg_catalog.pg_class x WHERE x.oid = u.part))) FROM function_users u
              JOIN named m ON m.oid = u.relid JOIN pg_catalog.pg_class c ON c.oid = u.relid
              WHERE u.proname = f.proname AND u.pronamespace = f.pronamespace)))
    FROM asked_functions f JOIN pg_catalog.pg_namespace n ON n.oid = f.pronamespace
    JOIN pg_catalog.pg_language l ON l.oid = f.prolang),
  'publications', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(p.pubname, n.name)) FROM published p
                   JOIN named n ON n.oid = p.relid),
  'statistics', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(s.nspname, s.stxname, n.name)) FROM stats s
                 JOIN named n ON n.oid = s.relid),
  'owned', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(o.rolname, n.name)) FROM owned o
            JOIN named n ON n.oid = o.relid)
) AS facts
