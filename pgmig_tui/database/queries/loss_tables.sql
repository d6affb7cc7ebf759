-- Purpose: what must be known of tables before their rows are counted or kept: size, key, partitions, columns, sequences.
-- Privileges: any login role (pg_stats is not asked). Reads catalogs only, so it never waits behind a lock.
-- Versions: 13-18.
WITH RECURSIVE wanted AS (
  SELECT DISTINCT w.s, w.r FROM ROWS FROM (pg_catalog.unnest(%(schemas)s::text[]), pg_catalog.unnest(%(relations)s::text[])) AS w(s, r)),
found AS (
  SELECT n.nspname, c.* FROM wanted w
    JOIN pg_catalog.pg_namespace n ON n.nspname = w.s
    JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.r
   WHERE c.relkind IN ('r', 'p', 'm', 'f', 'S')),
below(root, oid) AS (
  SELECT f.oid, f.oid FROM found f
  UNION ALL
  SELECT b.root, i.inhrelid FROM below b JOIN pg_catalog.pg_inherits i ON i.inhparent = b.oid
    JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid WHERE c.relispartition),
above(leaf, oid) AS (
  SELECT f.oid, i.inhparent FROM found f JOIN pg_catalog.pg_inherits i ON i.inhrelid = f.oid WHERE f.relispartition
  UNION ALL
  SELECT a.leaf, i.inhparent FROM above a JOIN pg_catalog.pg_inherits i ON i.inhrelid = a.oid
    JOIN pg_catalog.pg_class c ON c.oid = a.oid WHERE c.relispartition)
SELECT f.nspname::text, f.relname::text, f.relkind::text,
       (SELECT pg_catalog.sum(CASE WHEN c.reltuples >= 0 THEN c.reltuples END)::bigint
          FROM below b JOIN pg_catalog.pg_class c ON c.oid = b.oid WHERE b.root = f.oid),
       (SELECT pg_catalog.sum(c.relpages)::bigint * pg_catalog.current_setting('block_size')::bigint
          FROM below b JOIN pg_catalog.pg_class c ON c.oid = b.oid WHERE b.root = f.oid),
       coalesce((SELECT ARRAY(SELECT a.attname::text FROM pg_catalog.unnest(i.indkey) WITH ORDINALITY k(attnum, place)
                                JOIN pg_catalog.pg_attribute a ON a.attrelid = f.oid AND a.attnum = k.attnum
                               WHERE k.place <= i.indnkeyatts ORDER BY k.place)
                   FROM pg_catalog.pg_index i
                  WHERE i.indrelid = f.oid AND i.indisunique AND i.indisvalid AND i.indimmediate
                    AND i.indpred IS NULL AND i.indexprs IS NULL
                    AND NOT EXISTS (SELECT FROM pg_catalog.unnest(i.indkey) WITH ORDINALITY k(attnum, place)
                                      JOIN pg_catalog.pg_attribute a ON a.attrelid = f.oid AND a.attnum = k.attnum
                                     WHERE k.place <= i.indnkeyatts AND NOT a.attnotnull)
                  ORDER BY i.indisprimary DESC, i.indnkeyatts, i.indexrelid LIMIT 1), '{}'),
       ARRAY(SELECT n.nspname || '.' || c.relname FROM above a JOIN pg_catalog.pg_class c ON c.oid = a.oid
               JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE a.leaf = f.oid),
       f.relrowsecurity AND f.relkind IN ('r', 'p') AND pg_catalog.row_security_active(f.oid),
       coalesce((SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('schema', n.nspname, 'name', s.relname, 'column', a.attname))
          FROM pg_catalog.pg_depend d
          JOIN pg_catalog.pg_class s ON s.oid = d.objid AND s.relkind = 'S'
          JOIN pg_catalog.pg_namespace n ON n.oid = s.relnamespace
          JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
         WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refclassid = d.classid
           AND d.refobjid = f.oid AND d.deptype IN ('a', 'i')), '[]')
  FROM found f
