-- Purpose: the facts that impact needs of the named relations, types, functions, schemas, roles and publications, and
--   of what depends on them. One statement, one row, one JSON document. Takes no lock on a user's relation and waits for
--   none: sizes are the planner's and CHECKs come as node trees, since pg_relation_size and pg_get_constraintdef would
--   wait for an ACCESS EXCLUSIVE holder.
-- Privileges: none; it reads what every role may read of pg_catalog.
-- Versions: 12 to 18. Every look-up goes by an index: the time grows with what is named, not with the catalog.
WITH RECURSIVE
settings AS (  -- those that RESET goes back to are what a script's own session begins with
  SELECT pg_catalog.lower(s.name) AS name, s.setting, s.reset_val FROM pg_catalog.pg_settings s
  WHERE s.name IN ('search_path', 'TimeZone', 'session_replication_role', 'check_function_bodies')
),
sought AS (  -- schemas where names without one are looked for: of the session's path, and of those that the script sets
  SELECT pg_catalog.unnest(%(paths)s::text[]) AS name
  UNION SELECT 'pg_catalog'
  UNION SELECT p.name FROM settings s
  CROSS JOIN LATERAL pg_catalog.regexp_split_to_table(pg_catalog.concat(s.setting, ',', s.reset_val), ',') AS part(text)
  CROSS JOIN LATERAL (SELECT pg_catalog.btrim(part.text, ' "') AS name) p
  WHERE s.name = 'search_path'
),
path AS (
  SELECT n.oid, n.nspname FROM (SELECT CASE WHEN s.name = '$user' THEN CURRENT_USER::text ELSE s.name END AS name FROM sought s) s
  JOIN pg_catalog.pg_namespace n ON n.nspname = s.name
  UNION SELECT n.oid, n.nspname FROM pg_catalog.pg_namespace n
  WHERE n.oid = pg_catalog.pg_my_temp_schema()
    OR ('*' = ANY (%(paths)s::text[]) AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema')
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
  SELECT u.origin, e.oid FROM type_uses u CROSS JOIN LATERAL (  -- arrays, domains, ranges; composite types with a column
    SELECT CASE d.classid
      WHEN 'pg_catalog.pg_type'::regclass THEN d.objid
      WHEN 'pg_catalog.pg_class'::regclass THEN
        (SELECT c.reltype FROM pg_catalog.pg_class c WHERE c.oid = d.objid AND c.relkind = 'c')
    END AS oid
    FROM pg_catalog.pg_depend d
    WHERE d.refclassid = 'pg_catalog.pg_type'::regclass AND d.refobjid = u.oid AND d.objid <> u.oid
  ) e
  WHERE e.oid IS NOT NULL
),
type_columns AS (
  SELECT DISTINCT u.origin, d.objid AS relid, d.objsubid AS attnum
  FROM type_uses u
  JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_type'::regclass AND d.refobjid = u.oid
    AND d.classid = 'pg_catalog.pg_class'::regclass AND d.deptype <> 'i'
  JOIN pg_catalog.pg_class c ON c.oid = d.objid AND c.relkind IN ('r', 'p', 'f', 'm')
),
asked_functions AS (
  SELECT p.oid, p.proname, p.pronamespace, p.proowner, p.proacl, p.prosecdef, p.provolatile, p.prolang, p.prosrc, p.prokind, p.pronargs, p.pronargdefaults,
         p.provariadic, p.proconfig, p.proargnames, p.proargmodes, p.proargtypes, p.proallargtypes,
         p.prorettype, p.proretset
  FROM (SELECT DISTINCT name, nsp FROM asked) a  -- of two that only look like two, none could be dropped by its name
  JOIN pg_catalog.pg_proc p ON p.proname = a.name AND p.pronamespace = a.nsp
),
function_users AS (
  SELECT f.oid AS function, u.relid, u.kind, u.part
  FROM asked_functions f
  JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_proc'::regclass AND d.refobjid = f.oid
  CROSS JOIN LATERAL (  -- not six outer joins: whose order the planner weighs longer than all the rest takes
    SELECT t.tgrelid AS relid, 'g' AS kind, t.tgname::text AS part FROM pg_catalog.pg_trigger t
    WHERE d.classid = 'pg_catalog.pg_trigger'::regclass AND t.oid = d.objid
    UNION ALL SELECT x.adrelid, 'd', (SELECT a.attname::text FROM pg_catalog.pg_attribute a
                                      WHERE a.attrelid = x.adrelid AND a.attnum = x.adnum)
    FROM pg_catalog.pg_attrdef x
    WHERE d.classid = 'pg_catalog.pg_attrdef'::regclass AND x.oid = d.objid
    UNION ALL SELECT d.objid, 'd', (SELECT a.attname::text FROM pg_catalog.pg_attribute a  -- a generated one, until 13
                                    WHERE a.attrelid = d.objid AND a.attnum = d.objsubid)
    WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objsubid > 0
    UNION ALL SELECT r.ev_class, 'rule', r.rulename::text FROM pg_catalog.pg_rewrite r
    WHERE d.classid = 'pg_catalog.pg_rewrite'::regclass AND r.oid = d.objid
    UNION ALL SELECT k.conrelid, 'c', k.conname::text FROM pg_catalog.pg_constraint k
    WHERE d.classid = 'pg_catalog.pg_constraint'::regclass AND k.oid = d.objid
    UNION ALL SELECT i.indrelid, 'i', (SELECT x.relname::text FROM pg_catalog.pg_class x WHERE x.oid = i.indexrelid)
    FROM pg_catalog.pg_index i
    WHERE d.classid = 'pg_catalog.pg_class'::regclass AND i.indexrelid = d.objid
    UNION ALL SELECT y.polrelid, 'y', y.polname::text FROM pg_catalog.pg_policy y
    WHERE d.classid = 'pg_catalog.pg_policy'::regclass AND y.oid = d.objid
  ) u
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
persons(oid) AS (  -- the roles that are named, and those of which they are members
  SELECT r.oid FROM pg_catalog.pg_roles r
  WHERE r.rolname = ANY (%(members)s::text[]) OR r.rolname = ANY (%(roles)s::text[])
    OR r.rolname IN (CURRENT_USER, SESSION_USER)
  UNION
  SELECT m.roleid FROM persons p JOIN pg_catalog.pg_auth_members m ON m.member = p.oid
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
  SELECT n.nspname, x.stxname, x.stxrelid AS relid, x.stxkeys::int2[] AS keys FROM asked a
  JOIN pg_catalog.pg_statistic_ext x ON x.stxname = a.name AND x.stxnamespace = a.nsp
  JOIN pg_catalog.pg_namespace n ON n.oid = a.nsp
),
roots AS (
  SELECT coalesce(i.indrelid, c.oid) AS oid FROM asked a
  JOIN pg_catalog.pg_class c ON c.relname = a.name AND c.relnamespace = a.nsp
  LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
  UNION SELECT relid FROM type_columns
  UNION SELECT relid FROM function_users
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
    SELECT CASE p.classid
      WHEN 'pg_catalog.pg_rewrite'::regclass THEN (SELECT r.ev_class FROM pg_catalog.pg_rewrite r WHERE r.oid = p.objid)
      WHEN 'pg_catalog.pg_constraint'::regclass THEN CASE WHEN p.deptype = 'n' THEN  -- its own constraints: 'a'
        (SELECT k.conrelid FROM pg_catalog.pg_constraint k WHERE k.oid = p.objid AND k.contype = 'f' AND k.confrelid = d.oid) END
      WHEN 'pg_catalog.pg_class'::regclass THEN CASE WHEN p.deptype IN ('a', 'i') THEN
        (SELECT s.oid FROM pg_catalog.pg_class s WHERE s.oid = p.objid AND s.relkind = 'S') END
      WHEN 'pg_catalog.pg_policy'::regclass THEN (SELECT y.polrelid FROM pg_catalog.pg_policy y WHERE y.oid = p.objid)
      WHEN 'pg_catalog.pg_attrdef'::regclass THEN (SELECT x.adrelid FROM pg_catalog.pg_attrdef x WHERE x.oid = p.objid)
    END
    FROM pg_catalog.pg_depend p
    WHERE p.refclassid = 'pg_catalog.pg_class'::regclass AND p.refobjid = d.oid
    UNION ALL
    SELECT t.objid FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_depend t ON t.refclassid = 'pg_catalog.pg_type'::regclass AND t.refobjid = c.reltype
      AND t.classid = 'pg_catalog.pg_class'::regclass AND t.objsubid = 0 AND t.objid <> c.oid
    WHERE c.oid = d.oid AND c.relkind = 'c'
    OFFSET 0  -- else each of these is looked up twice: for the WHERE below and for what it gives
  ) e
  WHERE e.oid IS NOT NULL
),
-- From here on each part begins with an array, which the planner takes for ten rows. The rows of a recursive part it
-- takes for two hundred times those before it, and zeroes megabytes of hash tables for the millions that it expects.
up(oid) AS (  -- ancestors, and what views and rules read
  SELECT pg_catalog.unnest(ARRAY(SELECT oid FROM down))
  UNION
  SELECT e.oid FROM up u CROSS JOIN LATERAL (
    SELECT h.inhparent AS oid FROM pg_catalog.pg_inherits h WHERE h.inhrelid = u.oid
    UNION ALL
    SELECT p.refobjid FROM pg_catalog.pg_rewrite r
    JOIN pg_catalog.pg_depend p ON p.classid = 'pg_catalog.pg_rewrite'::regclass AND p.objid = r.oid
      AND p.refclassid = 'pg_catalog.pg_class'::regclass
    WHERE r.ev_class = u.oid AND p.refobjid <> u.oid
    UNION ALL  -- the sequences that defaults ask
    SELECT s.oid FROM pg_catalog.pg_attrdef x
    JOIN pg_catalog.pg_depend p ON p.classid = 'pg_catalog.pg_attrdef'::regclass AND p.objid = x.oid
      AND p.refclassid = 'pg_catalog.pg_class'::regclass
    JOIN pg_catalog.pg_class s ON s.oid = p.refobjid AND s.relkind = 'S'
    WHERE x.adrelid = u.oid
  ) e
),
around(oid) AS (  -- the other ends of their foreign keys, default partitions; and whatever is below those
  SELECT pg_catalog.unnest(ARRAY(
    SELECT oid FROM up
    UNION ALL SELECT k.confrelid FROM up u JOIN pg_catalog.pg_constraint k ON k.conrelid = u.oid AND k.contype = 'f'
    UNION ALL SELECT t.partdefid FROM up u JOIN pg_catalog.pg_partitioned_table t ON t.partrelid = u.oid
    WHERE t.partdefid <> 0
  ))
  UNION
  SELECT h.inhrelid FROM around a JOIN pg_catalog.pg_inherits h ON h.inhparent = a.oid
),
chosen AS (
  SELECT c.oid, CASE WHEN n.oid = pg_catalog.pg_my_temp_schema() THEN 'pg_temp' ELSE n.nspname END AS nspname,
         c.relname, c.relkind, c.relpersistence, c.relowner, c.relam, c.relpages, c.reltuples, c.relispartition,
         c.reltablespace, c.reltype, c.reloftype, c.relacl::text[] AS acl,
         CASE WHEN c.relispartition THEN pg_catalog.pg_get_expr(c.relpartbound, 0) END AS bound, c.relhasindex, c.relhasrules, c.relhastriggers, c.relispopulated, c.relreplident
  FROM around a
  JOIN pg_catalog.pg_class c ON c.oid = a.oid AND c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S', 'c')
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
),
attributes AS (
  SELECT a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull, a.atthasdef, a.attidentity,
         a.attgenerated, a.attcollation, a.attacl::text[] AS acl,
         CASE WHEN a.attname = ANY (%(columns)s::text[]) THEN  -- nothing hangs on it
           a.attacl IS NULL AND coalesce(a.attstattarget, -1) = -1
           AND NOT EXISTS (SELECT FROM pg_catalog.unnest(a.attoptions) o  -- but for what Debian's 15.20 keeps there
                           WHERE NOT pg_catalog.starts_with(o, 'pg_attver='))
           AND a.attstorage = (SELECT t.typstorage FROM pg_catalog.pg_type t WHERE t.oid = a.atttypid)
           AND NOT EXISTS (SELECT FROM pg_catalog.pg_description d WHERE d.objoid = a.attrelid
                           AND d.classoid = 'pg_catalog.pg_class'::regclass AND d.objsubid = a.attnum)
           AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.refclassid = 'pg_catalog.pg_class'::regclass
                           AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum
                           AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.oid = d.objid
                                           AND d.classid = 'pg_catalog.pg_constraint'::regclass AND k.contype = 'n'))
         END AS bare,
         CASE WHEN a.atthasdef AND a.attgenerated = '' AND a.attname = ANY (%(columns)s::text[]) THEN
           (SELECT t.typname FROM pg_catalog.pg_attrdef x JOIN pg_catalog.pg_type t ON t.oid = coalesce(
              pg_catalog.substring(x.adbin::text, '^[{]CONST :consttype ([0-9]+)'),
              pg_catalog.substring(x.adbin::text, '^[{]SQLVALUEFUNCTION :op [0-9]+ :type ([0-9]+)'),
              pg_catalog.substring(x.adbin::text, '^[{]FUNCEXPR :funcid [0-9]+ :funcresulttype ([0-9]+) :funcretset [a-z]+ :funcvariadic [a-z]+ :funcformat 0'),
              pg_catalog.substring(x.adbin::text, '^[{]FUNCEXPR [^{]* :funcformat 2 [^{]*:args [(][{]CONST :consttype ([0-9]+)'))::oid
            WHERE x.adrelid = a.attrelid AND x.adnum = a.attnum AND t.typnamespace = 'pg_catalog'::regnamespace)
         END AS default_type
  FROM chosen c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  WHERE c.relkind <> 'S'
),
used_types AS (SELECT DISTINCT atttypid AS oid FROM attributes),
indexed AS (
  SELECT x.indrelid, x.indexrelid, i.relname, x.indkey, x.indnkeyatts, x.indisunique, x.indisprimary, x.indisvalid,
         x.indisclustered, i.relpages, i.reltablespace, i.relispartition, i.relam,
         x.indexprs IS NOT NULL OR x.indpred IS NOT NULL AS computed, x.indpred IS NOT NULL AS partial,
         NOT x.indimmediate AS deferrable, x.indisexclusion AS exclusion, x.indisreplident AS identity
  FROM chosen c JOIN pg_catalog.pg_index x ON x.indrelid = c.oid JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
  WHERE c.relhasindex
),
ruled AS (
  SELECT c.oid AS relid, r.oid, r.rulename, r.ev_type FROM chosen c JOIN pg_catalog.pg_rewrite r ON r.ev_class = c.oid
  WHERE c.relhasrules
),
guarded AS (
  SELECT c.oid AS relid, y.oid, y.polname FROM chosen c JOIN pg_catalog.pg_policy y ON y.polrelid = c.oid
  WHERE c.relkind IN ('r', 'p')
),
called AS (  -- functions and operators in views, defaults and CHECKs; those of pg_catalog leave no trace
  SELECT r.relid, 'r' AS kind, 0 AS attnum, d.refclassid, d.refobjid FROM ruled r
  JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = r.oid
  WHERE r.rulename = '_RETURN'
  UNION ALL
  SELECT c.oid, 'd', x.adnum, d.refclassid, d.refobjid FROM chosen c
  JOIN pg_catalog.pg_attrdef x ON x.adrelid = c.oid
  JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_attrdef'::regclass AND d.objid = x.oid
  WHERE c.relkind IN ('r', 'p', 'f')
  UNION ALL  -- of a generated column, until 13
  SELECT c.oid, 'd', d.objsubid, d.refclassid, d.refobjid FROM chosen c
  JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.objsubid > 0
    AND d.refclassid IN ('pg_catalog.pg_proc'::regclass, 'pg_catalog.pg_operator'::regclass)
  WHERE c.relkind IN ('r', 'p', 'f')
  UNION ALL
  SELECT c.oid, 'c', 0, d.refclassid, d.refobjid FROM chosen c
  JOIN pg_catalog.pg_constraint k ON k.conrelid = c.oid AND k.contype = 'c'
  JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_constraint'::regclass AND d.objid = k.oid
  WHERE c.relkind IN ('r', 'p', 'f')
  UNION ALL  -- in the expressions and predicates of indexes
  SELECT i.indrelid, 'i', 0, d.refclassid, d.refobjid FROM indexed i
  JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = i.indexrelid
  WHERE i.computed
  UNION ALL  -- in statistics of expressions
  SELECT s.stxrelid, 's', 0, d.refclassid, d.refobjid FROM chosen c
  JOIN pg_catalog.pg_statistic_ext s ON s.stxrelid = c.oid
  JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_statistic_ext'::regclass AND d.objid = s.oid
  WHERE c.relkind IN ('r', 'p', 'm', 'f')
  UNION ALL
  SELECT y.relid, 'p', 0, d.refclassid, d.refobjid FROM guarded y
  JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_policy'::regclass AND d.objid = y.oid
),
made_of(origin, oid) AS (  -- what a value of a type is made of: a domain's base, elements, attributes, bounds; and casts
  SELECT t.oid, t.oid FROM pg_catalog.unnest(ARRAY(
    SELECT oid FROM asked_types UNION SELECT oid FROM used_types
    UNION SELECT refobjid FROM called WHERE refclassid = 'pg_catalog.pg_type'::regclass
    UNION SELECT pg_catalog.unnest(f.proargtypes::oid[] || f.proallargtypes || f.prorettype) FROM asked_functions f
  )) AS t(oid)
  WHERE t.oid >= 16384
  UNION
  SELECT m.origin, e.oid FROM made_of m CROSS JOIN LATERAL (
    SELECT d.refobjid AS oid FROM pg_catalog.pg_depend d
    WHERE d.classid = 'pg_catalog.pg_type'::regclass AND d.objid = m.oid AND d.refclassid = 'pg_catalog.pg_type'::regclass
    UNION ALL
    SELECT a.atttypid FROM pg_catalog.pg_type t
    JOIN pg_catalog.pg_attribute a ON a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid >= 16384
    WHERE t.oid = m.oid AND t.typrelid <> 0
    UNION ALL
    SELECT d.refobjid FROM pg_catalog.pg_constraint k
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_constraint'::regclass AND d.objid = k.oid
      AND d.refclassid = 'pg_catalog.pg_type'::regclass
    WHERE k.contypid = m.oid
    OFFSET 0
  ) e
),
coerced AS (  -- what runs where a value becomes one of a type; and the default of a domain, but for its base's own code
  SELECT m.origin, 'c' AS kind, d.refclassid, d.refobjid FROM made_of m
  JOIN pg_catalog.pg_constraint k ON k.contypid = m.oid
  JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_constraint'::regclass AND d.objid = k.oid
  UNION
  SELECT t.oid, 'd', d.refclassid, d.refobjid FROM made_of m
  JOIN pg_catalog.pg_type t ON t.oid = m.oid AND t.typtype = 'd' AND t.typdefault IS NOT NULL
  JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_type'::regclass AND d.objid = t.oid
    AND d.refobjid NOT IN (t.typinput, t.typoutput, t.typreceive, t.typsend, t.typmodin, t.typmodout, t.typanalyze)
  WHERE m.origin = m.oid
),
calling AS (
  SELECT c.relid, c.kind, c.attnum, c.refclassid, c.refobjid FROM called c
  UNION ALL
  SELECT c.relid, c.kind, c.attnum, o.refclassid, o.refobjid FROM called c
  JOIN coerced o ON o.origin = c.refobjid AND o.kind = 'c'
  WHERE c.refclassid = 'pg_catalog.pg_type'::regclass
),
base_types(oid, base, typmod, constrained, level) AS (  -- domains down to what they are stored as
  SELECT t.oid, t.typbasetype, t.typtypmod,
         t.typnotnull OR EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.contypid = t.oid), 1
  FROM (SELECT oid FROM asked_types UNION SELECT oid FROM used_types) u
  JOIN pg_catalog.pg_type t ON t.oid = u.oid AND t.typtype = 'd'
  UNION ALL
  SELECT b.oid, t.typbasetype, t.typtypmod,
         b.constrained OR t.typnotnull OR EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.contypid = t.oid),
         b.level + 1
  FROM base_types b JOIN pg_catalog.pg_type t ON t.oid = b.base AND t.typtype = 'd'
)
-- Rows by oid, which the reader puts together: to look each relation's parts up here took three times as long.
SELECT pg_catalog.json_build_object(
  'settings', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(s.name, s.setting, s.reset_val)) FROM settings s),
  'sought', (SELECT pg_catalog.json_agg(s.name) FROM sought s),
  'path', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
      p.nspname, pg_catalog.has_schema_privilege(p.oid, 'USAGE'))) FROM path p),
  'extensions', (SELECT pg_catalog.json_agg(e.extname) FROM pg_catalog.pg_extension e),
  'available', CASE WHEN pg_catalog.cardinality(%(extensions)s::text[]) > 0 THEN  -- it reads files
    (SELECT pg_catalog.json_agg(v.name) FROM pg_catalog.pg_available_extensions() v WHERE v.name = ANY (%(extensions)s::text[]))
  END,
  'subscriptions', (SELECT pg_catalog.json_object_agg(s.subname, s.subenabled) FROM pg_catalog.pg_subscription s
    WHERE s.subdbid = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())),
  'system', (SELECT pg_catalog.json_agg(c.relname) FROM asked a
             JOIN pg_catalog.pg_class c ON c.relname = a.name AND c.relnamespace = a.nsp
             WHERE a.schema = '' AND a.nsp = 'pg_catalog'::regnamespace),
  'role', CURRENT_USER,
  'block', pg_catalog.current_setting('block_size')::int,
  'prepared', (SELECT pg_catalog.json_object_agg(q.name, q.statement) FROM pg_catalog.pg_prepared_statements q
               WHERE q.name = ANY (%(prepared)s::text[])),
  'methods', (SELECT pg_catalog.json_object_agg(m.oid, m.amname) FROM pg_catalog.pg_am m),
  'tablespaces', (SELECT pg_catalog.json_object_agg(s.oid, s.spcname) FROM pg_catalog.pg_tablespace s),
  'tablespace', (SELECT d.dattablespace::int8 FROM pg_catalog.pg_database d
                 WHERE d.datname = pg_catalog.current_database()),
  'relations', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
      c.oid::int8, c.nspname, c.relname, c.relkind, c.relpersistence, pg_catalog.pg_get_userbyid(c.relowner), c.relam::int8,
      c.relpages, c.reltuples,
      CASE WHEN c.reltuples < 0 OR (c.reltuples = 0 AND c.relpages = 0) THEN pg_catalog.pg_stat_get_live_tuples(c.oid) END,
      c.relispartition, c.reltablespace::int8, c.relispopulated, c.relreplident,
      CASE WHEN c.reloftype <> 0 THEN (SELECT pg_catalog.json_build_array(n.nspname, t.typname) FROM pg_catalog.pg_type t
        JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace WHERE t.oid = c.reloftype) END, c.acl, c.bound)) FROM chosen c),
  'columns', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
      a.attrelid::int8, a.attnum, a.attname, a.atttypid::int8, a.atttypmod, a.attnotnull, a.atthasdef, a.attidentity,
      a.attgenerated, a.attcollation::int8, a.bare, a.default_type, a.acl)) FROM attributes a),
  'type_names', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
      t.oid::int8, t.typname, n.nspname, t.typcollation::int8)) FROM used_types u
    JOIN pg_catalog.pg_type t ON t.oid = u.oid JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace),
  'collations', (SELECT pg_catalog.json_object_agg(l.oid, l.collname) FROM (SELECT DISTINCT attcollation FROM attributes) a
    JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation),
  'indexes', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
      i.indrelid::int8, i.indexrelid::int8, i.relname, i.indkey::int2[], i.indnkeyatts, i.indisunique, i.indisprimary, i.indisvalid,
      i.relpages, i.reltablespace::int8, i.computed, i.relam::int8, i.indisclustered, i.partial, i.deferrable,
      i.exclusion, i.identity) ORDER BY i.indexrelid) FROM indexed i),
  'index_columns', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(i.indexrelid::int8, d.refobjsubid)) FROM indexed i
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = i.indexrelid
      AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = i.indrelid AND d.refobjsubid > 0
    WHERE i.computed),
  'index_parents', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(i.indexrelid::int8, n.nspname, p.relname)) FROM indexed i
    JOIN pg_catalog.pg_inherits h ON h.inhrelid = i.indexrelid JOIN pg_catalog.pg_class p ON p.oid = h.inhparent
    JOIN pg_catalog.pg_namespace n ON n.oid = p.relnamespace WHERE i.relispartition),
  'constraints', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
      k.conrelid::int8, k.oid::int8, k.conname, k.contype, k.convalidated, k.connoinherit, k.conkey,
      CASE WHEN k.contype = 'c' AND k.conbin::text LIKE '%NULLTEST%' THEN k.conbin::text END, k.conindid::int8, k.conparentid::int8, k.confrelid::int8, k.confkey,
      k.confdeltype, k.confupdtype, pg_catalog.concat(k.confmatchtype, k.condeferrable, k.condeferred),
      CASE WHEN k.contype = 'f' THEN k.enforced END) ORDER BY k.oid)
    FROM (SELECT NULL::bool AS conenforced) before_18 CROSS JOIN chosen c CROSS JOIN LATERAL (
      SELECT *, conenforced AS enforced  -- pg_constraint's own where it has one
      FROM pg_catalog.pg_constraint WHERE conrelid = c.oid) k
    WHERE k.contype IN ('c', 'n', 'f', 'p', 'u', 'x')),
  'inherits', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(h.inhrelid::int8, h.inhparent::int8) ORDER BY h.inhseqno)
    FROM chosen c JOIN pg_catalog.pg_inherits h ON h.inhrelid = c.oid),
  'partitioned', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(c.oid::int8, t.partdefid::int8, t.partattrs::int2[]))
    FROM chosen c JOIN pg_catalog.pg_partitioned_table t ON t.partrelid = c.oid WHERE c.relkind = 'p'),
  'sequences', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
      d.refobjid::int8, c.oid::int8, d.refobjsubid, d.deptype = 'i') ORDER BY d.refobjsubid, c.oid)
    FROM chosen c
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid
      AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
    WHERE c.relkind = 'S'),
  'named_by_rules', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(r.relid::int8, d.refobjid::int8, d.refobjsubid, r.rulename))
    FROM ruled r
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = r.oid
      AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid <> r.relid),
  'named_by_policies', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(y.relid::int8, d.refobjid::int8, d.refobjsubid, y.polname))
    FROM guarded y
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_policy'::regclass AND d.objid = y.oid
      AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid <> y.relid),
  'named_by_defaults', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(x.adrelid::int8, c.oid::int8,
      (SELECT a.attname FROM pg_catalog.pg_attribute a WHERE a.attrelid = x.adrelid AND a.attnum = x.adnum))) FROM chosen c
    JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = c.oid
      AND d.classid = 'pg_catalog.pg_attrdef'::regclass
    JOIN pg_catalog.pg_attrdef x ON x.oid = d.objid AND x.adrelid <> c.oid WHERE c.relkind = 'S'),
  'tables_of_types', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(d.objid::int8, c.oid::int8, '')) FROM chosen c
    JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_type'::regclass AND d.refobjid = c.reltype
      AND d.classid = 'pg_catalog.pg_class'::regclass AND d.objsubid = 0 AND d.objid <> c.oid
    WHERE c.relkind = 'c'),
  'triggers', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
      c.oid::int8, t.tgname, n.nspname, p.proname, t.tgtype, t.tgenabled, t.tgattr::int2[],
      CASE WHEN t.tginitdeferred THEN 'd' WHEN t.tgdeferrable THEN 'i' ELSE '' END) ORDER BY t.tgname)
    FROM chosen c JOIN pg_catalog.pg_trigger t ON t.tgrelid = c.oid AND NOT t.tgisinternal
    JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE c.relhastriggers),
  'rules', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(r.relid::int8, r.rulename,
            CASE r.ev_type WHEN '2' THEN 'UPDATE' WHEN '3' THEN 'INSERT' WHEN '4' THEN 'DELETE' END)) FROM ruled r
            WHERE r.rulename <> '_RETURN'),
  'calls', (SELECT pg_catalog.json_agg(DISTINCT pg_catalog.json_build_array(c.relid::int8, c.kind, c.attnum, n.nspname, p.proname)::text)
    FROM calling c
    JOIN pg_catalog.pg_proc p ON p.oid = CASE c.refclassid
      WHEN 'pg_catalog.pg_proc'::regclass THEN c.refobjid
      WHEN 'pg_catalog.pg_operator'::regclass THEN (SELECT o.oprcode::oid FROM pg_catalog.pg_operator o WHERE o.oid = c.refobjid)
    END
    JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname <> 'pg_catalog'),
  'type_calls', (SELECT pg_catalog.json_agg(DISTINCT pg_catalog.json_build_array(c.origin::int8, c.kind, n.nspname, p.proname)::text)
    FROM coerced c
    JOIN pg_catalog.pg_proc p ON p.oid = CASE c.refclassid
      WHEN 'pg_catalog.pg_proc'::regclass THEN c.refobjid
      WHEN 'pg_catalog.pg_operator'::regclass THEN (SELECT o.oprcode::oid FROM pg_catalog.pg_operator o WHERE o.oid = c.refobjid)
    END
    JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname <> 'pg_catalog'),
  -- OFFSET 0 looks each one up: with the statistics of a database that has just got thousands of operators, the planner
  -- reads the dependencies of all of them for each.
  'operators', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(o.oprname, n.nspname, f.nspname, p.proname))
    FROM pg_catalog.unnest(%(operators)s::text[]) AS a(name)
    JOIN pg_catalog.pg_operator o ON o.oprname = a.name AND o.oid >= 16384
    JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
    JOIN pg_catalog.pg_proc p ON p.oid = o.oprcode JOIN pg_catalog.pg_namespace f ON f.oid = p.pronamespace
    WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_operator'::regclass
                      AND d.objid = o.oid AND d.deptype = 'e' OFFSET 0)),
  'event_triggers', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(t.evtname, t.evtevent, t.evttags, n.nspname, p.proname,
      t.evtenabled IN ('O', 'A')))
    FROM pg_catalog.pg_event_trigger t JOIN pg_catalog.pg_proc p ON p.oid = t.evtfoid
    JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_event_trigger'::regclass
                      AND d.objid = t.oid AND d.deptype = 'e' OFFSET 0)),
  'policies', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(y.relid::int8, y.polname)) FROM guarded y),
  'types', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(t.oid::int8, n.nspname, t.typname, t.typtype,
      CASE WHEN t.typtype = 'd' THEN t.typdefault END,
      CASE WHEN t.typtype = 'd' AND t.typdefault IS NOT NULL THEN  -- of functions that users made
        (SELECT pg_catalog.max(f.provolatile::text) FROM pg_catalog.pg_depend d
         JOIN pg_catalog.pg_proc f ON f.oid = d.refobjid
         WHERE d.classid = 'pg_catalog.pg_type'::regclass AND d.objid = t.oid
           AND d.refclassid = 'pg_catalog.pg_proc'::regclass) END,
      CASE WHEN t.typtype = 'e' THEN
        (SELECT pg_catalog.json_agg(e.enumlabel) FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid) END))
    FROM (SELECT oid FROM asked_types UNION SELECT oid FROM base_types UNION SELECT origin FROM coerced) u
    JOIN pg_catalog.pg_type t ON t.oid = u.oid JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
    WHERE n.nspname <> 'pg_catalog'),
  'base_types', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
      b.oid::int8, (SELECT t.typname FROM pg_catalog.pg_type t WHERE t.oid = b.base AND t.typtype <> 'd'), b.typmod, b.constrained)
      ORDER BY b.level) FROM base_types b),
  'type_uses', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(u.origin::int8, u.relid::int8, u.attnum)) FROM type_columns u),
  'functions', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
    'name', pg_catalog.json_build_array(n.nspname, f.proname), 'volatility', f.provolatile, 'language', l.lanname,
    'owner', pg_catalog.pg_get_userbyid(f.proowner), 'acl', f.proacl::text[], 'definer', f.prosecdef,
    'types', f.proargtypes::oid[]::int8[] || f.proallargtypes::int8[] || f.prorettype::int8, 'settings', f.proconfig, 'gives', (SELECT pg_catalog.json_build_array(m.nspname, t.typname)
      FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace m ON m.oid = t.typnamespace WHERE t.oid = f.prorettype AND NOT f.proretset),
     'takes', (
      SELECT pg_catalog.json_agg(pg_catalog.json_build_array(m.nspname, t.typname) ORDER BY a.number)
      FROM pg_catalog.unnest(f.proargtypes::oid[]) WITH ORDINALITY AS a(oid, number)
      JOIN pg_catalog.pg_type t ON t.oid = a.oid JOIN pg_catalog.pg_namespace m ON m.oid = t.typnamespace),
    'parameters', (SELECT pg_catalog.json_agg(coalesce(f.proargnames[a.number], '') ORDER BY a.number)
      FROM pg_catalog.generate_subscripts(f.proargnames, 1) AS a(number)
      WHERE f.proargmodes IS NULL OR f.proargmodes[a.number] IN ('i', 'b', 'v')),
    'extension', (SELECT e.extname FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
                  WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = f.oid AND d.deptype = 'e'
                    AND d.refclassid = 'pg_catalog.pg_extension'::regclass),
    'body', CASE WHEN n.nspname = 'pg_catalog' OR f.prokind = 'a' THEN ''
                 WHEN l.lanname = 'plpgsql' THEN pg_catalog.pg_get_functiondef(f.oid)
                 WHEN l.lanname IN ('sql', 'c', 'internal') THEN f.prosrc ELSE '' END,
    'users', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(u.relid::int8, u.kind, u.part)) FROM function_users u
              WHERE u.function = f.oid),
    'arguments', pg_catalog.json_build_array(
      CASE WHEN f.provariadic <> 0 THEN f.pronargs - f.pronargdefaults - 1 ELSE f.pronargs - f.pronargdefaults END,
      CASE WHEN f.provariadic <> 0 THEN 100 ELSE f.pronargs END)) ORDER BY f.oid)
    FROM asked_functions f JOIN pg_catalog.pg_namespace n ON n.oid = f.pronamespace
    JOIN pg_catalog.pg_language l ON l.oid = f.prolang),
  'published', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(p.pubname, p.puballtables, p.pubupdate, p.pubdelete,
      (SELECT pg_catalog.json_agg(r.prrelid::int8) FROM pg_catalog.pg_publication_rel r WHERE r.prpubid = p.oid)))
    FROM pg_catalog.pg_publication p),
  'publications', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(p.pubname, p.relid::int8)) FROM published p),
  'statistics', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(s.nspname, s.stxname, s.relid::int8, s.keys)) FROM stats s),
  'roles', (SELECT pg_catalog.json_agg(r.rolname) FROM pg_catalog.pg_roles r WHERE r.rolname = ANY (%(roles)s::text[])),
  'persons', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(r.rolname, r.rolsuper, r.rolcreaterole,
      EXISTS (SELECT FROM pg_catalog.pg_shdepend s WHERE s.refclassid = 'pg_catalog.pg_authid'::regclass
              AND s.refobjid = r.oid OFFSET 0)))
    FROM persons p JOIN pg_catalog.pg_roles r ON r.oid = p.oid),
  'members', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
      r.rolname, pg_catalog.pg_get_userbyid(m.roleid), coalesce(m.inherits, r.rolinherit)))
    FROM (SELECT NULL::bool AS inherit_option) before_16 CROSS JOIN persons p JOIN pg_catalog.pg_roles r ON r.oid = p.oid
    CROSS JOIN LATERAL (
      SELECT m.roleid, inherit_option AS inherits  -- pg_auth_members' own where it has one
      FROM pg_catalog.pg_auth_members m WHERE m.member = p.oid) m),
  'schemas', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
      n.nspname, pg_catalog.pg_get_userbyid(n.nspowner), n.nspacl::text[]))
    FROM (SELECT oid FROM path UNION SELECT nsp FROM asked) s JOIN pg_catalog.pg_namespace n ON n.oid = s.oid),
  'database', (SELECT pg_catalog.json_build_array(pg_catalog.pg_get_userbyid(d.datdba), d.datacl::text[])
    FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()),
  'defaults', EXISTS (SELECT FROM pg_catalog.pg_default_acl),
  'casts', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(m.nspname, s.typname, n.nspname, t.typname,
      (SELECT pg_catalog.json_build_array(f.nspname, p.proname) FROM pg_catalog.pg_proc p
       JOIN pg_catalog.pg_namespace f ON f.oid = p.pronamespace WHERE p.oid = x.castfunc), x.castcontext))
    FROM pg_catalog.pg_cast x
    JOIN pg_catalog.pg_type s ON s.oid = x.castsource JOIN pg_catalog.pg_namespace m ON m.oid = s.typnamespace
    JOIN pg_catalog.pg_type t ON t.oid = x.casttarget JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
    WHERE x.oid >= 16384 AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
      WHERE d.classid = 'pg_catalog.pg_cast'::regclass AND d.objid = x.oid AND d.deptype = 'e' OFFSET 0)),
  'owned', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(o.rolname, o.relid::int8)) FROM owned o)
)::text AS facts
