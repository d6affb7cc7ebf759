-- What a description of the schema tells: one row a thing, as its kind, the object that it is part of, its place there and
-- its texts. Nothing in it differs between two databases of one plan: no oid is shown, no owner, no version, no date.
-- What extensions own is left out, and so is what is made along with something else (constructors of a range type); a
-- partition is one row of its parent.
-- Privileges: none. Versions: 13 to 18. search_path must be pg_catalog, so that every name in a definition is qualified.
WITH ns AS (
  SELECT n.* FROM pg_catalog.pg_namespace n
  WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'),
member AS (
  SELECT classid, objid FROM pg_catalog.pg_depend WHERE deptype = 'e'),
made_along AS (
  SELECT objid FROM pg_catalog.pg_depend WHERE deptype = 'i' AND classid = 'pg_proc'::regclass),
said AS (
  SELECT classoid, objoid, objsubid, description FROM pg_catalog.pg_description),
rel AS (
  SELECT c.*, ns.nspname FROM pg_catalog.pg_class c JOIN ns ON ns.oid = c.relnamespace
  WHERE NOT EXISTS (SELECT FROM member m WHERE m.classid = 'pg_class'::regclass AND m.objid = c.oid)),
whole AS (
  SELECT * FROM rel WHERE NOT relispartition)
SELECT 'schema' AS kind, n.oid::bigint AS owner, 0 AS place, ARRAY[n.nspname::text, s.description] AS texts
FROM ns n LEFT JOIN said s ON s.classoid = 'pg_namespace'::regclass AND s.objoid = n.oid AND s.objsubid = 0
WHERE NOT EXISTS (SELECT FROM member m WHERE m.classid = 'pg_namespace'::regclass AND m.objid = n.oid)
UNION ALL
SELECT 'relation', c.oid::bigint, 0, ARRAY[c.nspname::text, c.relname::text, c.relkind::text, c.relpersistence::text,
  s.description, CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END,
  CASE WHEN c.relrowsecurity THEN CASE WHEN c.relforcerowsecurity THEN 'forced' ELSE 'on' END END,
  (SELECT f.srvname::text FROM pg_catalog.pg_foreign_table t JOIN pg_catalog.pg_foreign_server f ON f.oid = t.ftserver
   WHERE t.ftrelid = c.oid),
  (SELECT string_agg(format('%I.%I', pn.nspname, p.relname), ', ' ORDER BY i.inhseqno) FROM pg_catalog.pg_inherits i
   JOIN pg_catalog.pg_class p ON p.oid = i.inhparent JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace
   WHERE i.inhrelid = c.oid)]
FROM whole c LEFT JOIN said s ON s.classoid = 'pg_class'::regclass AND s.objoid = c.oid AND s.objsubid = 0
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
  OR c.relkind = 'c' AND NOT EXISTS (SELECT FROM member m WHERE m.classid = 'pg_type'::regclass AND m.objid = c.reltype)
UNION ALL
-- what a foreign key refers to may be a partition, or in a schema that is left out
SELECT 'named', c.oid::bigint, 0, ARRAY[n.nspname::text, c.relname::text]
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid IN (SELECT confrelid FROM pg_catalog.pg_constraint WHERE contype = 'f')
UNION ALL
SELECT 'partition', i.inhparent::bigint, 0, ARRAY[c.oid::text, c.nspname::text, c.relname::text,
  pg_get_expr(c.relpartbound, c.oid), CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END, s.description]
FROM rel c JOIN pg_catalog.pg_inherits i ON i.inhrelid = c.oid
LEFT JOIN said s ON s.classoid = 'pg_class'::regclass AND s.objoid = c.oid AND s.objsubid = 0
WHERE c.relispartition AND c.relkind IN ('r', 'p', 'f')
UNION ALL
SELECT 'column', c.oid::bigint, a.attnum, ARRAY[a.attname::text, format_type(a.atttypid, a.atttypmod),
  CASE WHEN a.attnotnull THEN 'not null' END, pg_get_expr(d.adbin, d.adrelid), nullif(a.attidentity::text, ''),
  nullif(a.attgenerated::text, ''), s.description]
FROM whole c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN said s ON s.classoid = 'pg_class'::regclass AND s.objoid = c.oid AND s.objsubid = a.attnum
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c')
UNION ALL
SELECT 'constraint', coalesce(c.oid, k.contypid)::bigint, 0, ARRAY[k.conname::text, k.contype::text,
  pg_get_constraintdef(k.oid), CASE WHEN NOT k.convalidated THEN 'not validated' END, s.description,
  nullif(k.confrelid, 0)::text, array_to_string(k.conkey, ',')]
FROM pg_catalog.pg_constraint k JOIN ns ON ns.oid = k.connamespace LEFT JOIN whole c ON c.oid = k.conrelid
LEFT JOIN said s ON s.classoid = 'pg_constraint'::regclass AND s.objoid = k.oid AND s.objsubid = 0
WHERE k.contype IN ('p', 'u', 'f', 'c', 'x') AND (c.oid IS NOT NULL OR k.contypid <> 0)
  -- of a foreign key to a partitioned table each partition has one, too
  AND NOT (k.contype = 'f' AND k.conparentid <> 0)
UNION ALL
SELECT 'index', c.oid::bigint, 0, ARRAY[x.relname::text, pg_get_indexdef(x.oid),
  CASE WHEN i.indisunique THEN 'unique' END, CASE WHEN NOT i.indisvalid THEN 'invalid' END, s.description]
FROM whole c JOIN pg_catalog.pg_index i ON i.indrelid = c.oid JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
LEFT JOIN said s ON s.classoid = 'pg_class'::regclass AND s.objoid = x.oid AND s.objsubid = 0
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')
                  AND k.conrelid = c.oid)
UNION ALL
SELECT 'trigger', c.oid::bigint, 0, ARRAY[t.tgname::text, pg_get_triggerdef(t.oid),
  CASE t.tgenabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'on replicas only' WHEN 'A' THEN 'always' END, s.description]
FROM pg_catalog.pg_trigger t JOIN whole c ON c.oid = t.tgrelid
LEFT JOIN said s ON s.classoid = 'pg_trigger'::regclass AND s.objoid = t.oid AND s.objsubid = 0
WHERE NOT t.tgisinternal
UNION ALL
SELECT 'policy', c.oid::bigint, 0, ARRAY[p.polname::text,
  CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
  CASE WHEN NOT p.polpermissive THEN 'restrictive' END,
  (SELECT string_agg(r.name, ', ' ORDER BY r.name COLLATE "C")
   FROM (SELECT CASE u WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(u)::text END FROM unnest(p.polroles) u) r(name)),
  pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid), s.description]
FROM pg_catalog.pg_policy p JOIN whole c ON c.oid = p.polrelid
LEFT JOIN said s ON s.classoid = 'pg_policy'::regclass AND s.objoid = p.oid AND s.objsubid = 0
UNION ALL
SELECT DISTINCT 'reads', c.oid::bigint, 0, ARRAY[rn.nspname::text, r.relname::text]
FROM pg_catalog.pg_rewrite w JOIN whole c ON c.oid = w.ev_class
JOIN pg_catalog.pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_class'::regclass
JOIN pg_catalog.pg_class r ON r.oid = d.refobjid AND r.oid <> c.oid AND r.relkind IN ('r', 'p', 'v', 'm', 'f')
JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace
WHERE w.rulename = '_RETURN' AND c.relkind IN ('v', 'm')
UNION ALL
SELECT 'type', t.oid::bigint, 0, ARRAY[ns.nspname::text, t.typname::text, t.typtype::text, s.description,
  CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END, CASE WHEN t.typnotnull THEN 'not null' END,
  t.typdefault, (SELECT format_type(r.rngsubtype, NULL) FROM pg_catalog.pg_range r WHERE r.rngtypid = t.oid)]
FROM pg_catalog.pg_type t JOIN ns ON ns.oid = t.typnamespace
LEFT JOIN said s ON s.classoid = 'pg_type'::regclass AND s.objoid = t.oid AND s.objsubid = 0
WHERE t.typtype IN ('d', 'e', 'r')
  AND NOT EXISTS (SELECT FROM member m WHERE m.classid = 'pg_type'::regclass AND m.objid = t.oid)
UNION ALL
SELECT 'composite', c.oid::bigint, 0, ARRAY[s.description]
FROM whole c JOIN said s ON s.classoid = 'pg_type'::regclass AND s.objoid = c.reltype AND s.objsubid = 0
WHERE c.relkind = 'c'
UNION ALL
SELECT 'label', e.enumtypid::bigint, row_number() OVER (PARTITION BY e.enumtypid ORDER BY e.enumsortorder)::int,
  ARRAY[e.enumlabel::text]
FROM pg_catalog.pg_enum e
UNION ALL
SELECT 'function', p.oid::bigint, 0, ARRAY[ns.nspname::text, p.proname::text, p.prokind::text,
  pg_get_function_arguments(p.oid), pg_get_function_result(p.oid), l.lanname::text,
  CASE WHEN p.prosecdef THEN 'security definer' END, s.description]
FROM pg_catalog.pg_proc p JOIN ns ON ns.oid = p.pronamespace JOIN pg_catalog.pg_language l ON l.oid = p.prolang
LEFT JOIN said s ON s.classoid = 'pg_proc'::regclass AND s.objoid = p.oid AND s.objsubid = 0
WHERE NOT EXISTS (SELECT FROM member m WHERE m.classid = 'pg_proc'::regclass AND m.objid = p.oid)
  AND NOT EXISTS (SELECT FROM made_along m WHERE m.objid = p.oid)
UNION ALL
SELECT 'extension', 0, 0, ARRAY[e.extname::text, n.nspname::text]
FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname <> 'plpgsql'
