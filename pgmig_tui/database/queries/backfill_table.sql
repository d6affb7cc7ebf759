-- Purpose: the table that a backfill walks through: its key's columns, an index in their order, its size by estimate.
-- Privileges: any role; whether it may read and write the table is asked with the first batch.
-- Versions: 13-18. A partitioned table's estimate is that of its partitions.
SELECT c.oid::bigint, n.nspname::text, c.relname::text, c.relkind::text, pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname),
       ARRAY(SELECT CASE WHEN a.attnum IS NULL THEN 'none' WHEN a.attnotnull THEN 'not null' ELSE 'null' END
               FROM pg_catalog.unnest(%(columns)s::text[]) WITH ORDINALITY AS k(name, place)
               LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = k.name AND a.attnum > 0
                     AND NOT a.attisdropped
              ORDER BY k.place),
       (SELECT pg_catalog.jsonb_build_array(
                 i.indexrelid::pg_catalog.regclass::text,
                 i.indisunique AND i.indnkeyatts = pg_catalog.cardinality(%(columns)s::text[]),
                 compared.types, compared.operators)
          FROM pg_catalog.pg_index i
          JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
          JOIN pg_catalog.pg_am m ON m.oid = x.relam AND m.amname = 'btree'
         CROSS JOIN LATERAL (
               -- By which type, and which operators, the index compares: those of a pseudo-type take any of its kind.
               SELECT pg_catalog.jsonb_agg(pg_catalog.format('%%I.%%I', tn.nspname, t.typname) ORDER BY k.place) AS types,
                      pg_catalog.jsonb_agg(opn.nspname ORDER BY k.place) AS operators
                 FROM ROWS FROM (pg_catalog.unnest(i.indclass::oid[]), pg_catalog.unnest(i.indkey::int2[]))
                      WITH ORDINALITY AS k(class, attnum, place)
                 JOIN pg_catalog.pg_opclass oc ON oc.oid = k.class
                 JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
                 JOIN pg_catalog.pg_type it ON it.oid = oc.opcintype
                 JOIN pg_catalog.pg_type t ON t.oid = CASE WHEN it.typtype = 'p' THEN a.atttypid ELSE it.oid END
                 JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace
                 JOIN pg_catalog.pg_amop ao ON ao.amopfamily = oc.opcfamily AND ao.amoplefttype = oc.opcintype
                      AND ao.amoprighttype = oc.opcintype AND ao.amopstrategy = 5
                 JOIN pg_catalog.pg_operator op ON op.oid = ao.amopopr
                 JOIN pg_catalog.pg_namespace opn ON opn.oid = op.oprnamespace
                WHERE k.place <= pg_catalog.cardinality(%(columns)s::text[])) compared
         WHERE i.indrelid = c.oid AND i.indisvalid AND i.indpred IS NULL
           AND %(columns)s::text[] = ARRAY(
                SELECT a.attname::text
                  FROM pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, place)
                  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
                 WHERE k.place <= pg_catalog.cardinality(%(columns)s::text[])
                 ORDER BY k.place)
         ORDER BY i.indisunique AND i.indnkeyatts = pg_catalog.cardinality(%(columns)s::text[]) DESC, i.indnatts, x.relname
         LIMIT 1),
       coalesce((SELECT pg_catalog.sum(p.reltuples) FILTER (WHERE p.reltuples >= 0)
                   FROM pg_catalog.pg_class p
                  WHERE p.oid IN (SELECT t.relid FROM pg_catalog.pg_partition_tree(c.oid) t WHERE t.isleaf)
                     OR (p.oid = c.oid AND c.relkind <> 'p')), -1)::bigint,
       coalesce((SELECT pg_catalog.string_agg(g.tgname, ', ' ORDER BY g.tgname)
                   FROM pg_catalog.pg_trigger g
                  WHERE g.tgrelid = c.oid AND NOT g.tgisinternal AND g.tgenabled <> 'D'), '')
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.oid = %(oid)s::oid
