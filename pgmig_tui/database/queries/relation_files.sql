-- Purpose: which files relations have, and what their columns are: a statement that rewrites one changes either.
-- Privileges: USAGE on their schemas.
-- Versions: 13-18.
-- It is sent in a script's session and under its search_path: so every operator is qualified.
-- Parameters: :named, rows (name as SQL has it, with its partitions, its indexes instead); :room, an integer.
WITH RECURSIVE named (name, partitions, indexes) AS (VALUES :named), tree AS (
    SELECT pg_catalog.to_regclass(name)::pg_catalog.oid AS oid, partitions, indexes FROM named
     UNION
    SELECT i.inhrelid, tree.partitions, tree.indexes
      FROM tree
      JOIN pg_catalog.pg_inherits i ON i.inhparent OPERATOR(pg_catalog.=) tree.oid
      JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) i.inhrelid AND c.relispartition
     WHERE tree.partitions
), chosen AS (
    SELECT oid FROM tree WHERE NOT indexes
     UNION
    SELECT i.indexrelid FROM tree JOIN pg_catalog.pg_index i ON i.indrelid OPERATOR(pg_catalog.=) tree.oid WHERE indexes
)
SELECT pg_catalog.format('%I.%I', n.nspname, c.relname), c.oid::pg_catalog.text, pg_catalog.pg_relation_filenode(c.oid)::pg_catalog.text,
       (SELECT pg_catalog.md5(pg_catalog.string_agg(pg_catalog.concat_ws(' ', a.attname, a.atttypid, a.atttypmod,
                                                    a.attcollation, a.attisdropped), ',' ORDER BY a.attnum))
          FROM pg_catalog.pg_attribute a WHERE a.attrelid OPERATOR(pg_catalog.=) c.oid AND a.attnum OPERATOR(pg_catalog.>) 0)
  FROM chosen
  JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) chosen.oid
  JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
 WHERE pg_catalog.pg_relation_filenode(c.oid) IS NOT NULL
 ORDER BY 1
 LIMIT :room
