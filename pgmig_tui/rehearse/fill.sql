-- What rows of the tables of a database have to be like: columns, types, checks, foreign keys. One row, one JSON document.
-- Tables of extensions and in schemas of ours (%(ours)s) are left out, and so are partitions: rows go to their table.
-- Privileges: none beyond CONNECT. Versions: 13 to 18.
WITH RECURSIVE tab AS MATERIALIZED (
  SELECT c.oid, n.nspname, c.relname, c.relkind
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
    AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL (%(ours)s)
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                    WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
), used(oid) AS (
  SELECT a.atttypid FROM pg_catalog.pg_attribute a JOIN tab ON tab.oid = a.attrelid
  WHERE a.attnum > 0 AND NOT a.attisdropped
  UNION
  SELECT x.oid
  FROM used u JOIN pg_catalog.pg_type t ON t.oid = u.oid
  LEFT JOIN pg_catalog.pg_range r ON r.rngtypid = t.oid
  CROSS JOIN LATERAL (VALUES (CASE WHEN t.typcategory = 'A' THEN t.typelem END), (t.typbasetype), (r.rngsubtype)) x(oid)
  WHERE x.oid <> 0
)
SELECT pg_catalog.json_build_object(
  'types', (SELECT pg_catalog.json_object_agg(t.oid::bigint, pg_catalog.json_build_object(
      'name', pg_catalog.format_type(t.oid, NULL), 'plain', CASE WHEN n.nspname = 'pg_catalog' THEN t.typname END,
      'kind', t.typtype, 'category', t.typcategory, 'element', t.typelem::bigint, 'base', t.typbasetype::bigint,
      'base_name', CASE WHEN t.typtype = 'd' THEN pg_catalog.format_type(t.typbasetype, t.typtypmod) END,
      'not_null', t.typnotnull, 'subtype', r.rngsubtype::bigint,
      'labels', (SELECT pg_catalog.json_agg(e.enumlabel ORDER BY e.enumsortorder)
                 FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid),
      'checks', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
                   k.conname, pg_catalog.pg_get_expr(k.conbin, 0)) ORDER BY k.conname)
                 FROM pg_catalog.pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c')))
    FROM used u JOIN pg_catalog.pg_type t ON t.oid = u.oid JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
    LEFT JOIN pg_catalog.pg_range r ON r.rngtypid = t.oid),
  'tables', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'oid', tab.oid::bigint, 'schema', tab.nspname, 'name', tab.relname,
      'columns', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
            'name', a.attname, 'type', a.atttypid::bigint,
            'type_name', pg_catalog.format_type(a.atttypid, a.atttypmod), 'not_null', a.attnotnull,
            'generated', a.attgenerated <> '', 'counted', a.attidentity <> ''
              OR coalesce(pg_catalog.pg_get_expr(f.adbin, f.adrelid) ~ '^nextval\(', false),
            'default', f.oid IS NOT NULL) ORDER BY a.attnum)
          FROM pg_catalog.pg_attribute a
          LEFT JOIN pg_catalog.pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
          WHERE a.attrelid = tab.oid AND a.attnum > 0 AND NOT a.attisdropped),
      'unique', (SELECT pg_catalog.json_agg(k.columns)
          FROM pg_catalog.pg_index i
          CROSS JOIN LATERAL (
            SELECT pg_catalog.json_agg(a.attname ORDER BY a.attnum) AS columns
            FROM pg_catalog.pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)) k
          WHERE i.indrelid = tab.oid AND i.indisunique),
      'deferrable', EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = tab.oid AND NOT i.indimmediate),
      'checks', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
            k.conname, pg_catalog.pg_get_expr(k.conbin, k.conrelid), (
              SELECT pg_catalog.json_agg(a.attname) FROM pg_catalog.pg_attribute a
              WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey))) ORDER BY k.conname)
          FROM pg_catalog.pg_constraint k WHERE k.conrelid = tab.oid AND k.contype = 'c'),
      'bounds', CASE WHEN tab.relkind = 'p' THEN pg_catalog.json_build_object(
          'columns', (SELECT pg_catalog.json_agg(DISTINCT a.attname)
              FROM pg_catalog.pg_partition_tree(tab.oid) h
              JOIN pg_catalog.pg_partitioned_table p ON p.partrelid = h.relid
              JOIN pg_catalog.pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = ANY (p.partattrs)),
          -- Of those that hold rows, whose bounds are within those of their parents.
          'any', (SELECT pg_catalog.json_agg(pg_catalog.pg_get_partition_constraintdef(h.relid))
              FROM pg_catalog.pg_partition_tree(tab.oid) h WHERE h.isleaf)) END,
      'foreign', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
            'name', k.conname, 'table', k.confrelid::bigint,
            'columns', (SELECT pg_catalog.json_agg(a.attname ORDER BY x.position)
                FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY x(number, position)
                JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = x.number),
            'keys', (SELECT pg_catalog.json_agg(a.attname ORDER BY x.position)
                FROM pg_catalog.unnest(k.confkey) WITH ORDINALITY x(number, position)
                JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = x.number)) ORDER BY k.conname)
          FROM pg_catalog.pg_constraint k
          WHERE k.conrelid = tab.oid AND k.contype = 'f' AND k.conparentid = 0)) ORDER BY tab.nspname, tab.relname)
    FROM tab))
