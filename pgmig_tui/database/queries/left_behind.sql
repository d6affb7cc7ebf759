-- Purpose: what statements that can't run in a transaction leave when they fail half way: INVALID indexes, and
--   partitions whose detaching is pending.
-- Privileges: any role.
-- Versions: 13-18; the lines marked 14 are left out before. Lock-free. What another session builds at this moment looks
--   the same, but that session holds SHARE UPDATE EXCLUSIVE on the table.
-- Parameters: none. Kinds: index, partition (then `owner` is its parent).
SELECT 'index' AS kind, i.indexrelid::bigint AS id, n.nspname::text, c.relname::text, NULL::text AS owner_schema,
       NULL::text AS owner
  FROM pg_catalog.pg_index i
  JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE NOT (i.indisvalid AND i.indisready AND i.indislive) AND c.relkind = 'i'
   AND NOT EXISTS (SELECT 1
                     FROM pg_catalog.pg_locks l
                    WHERE l.locktype = 'relation' AND l.relation = i.indrelid AND l.granted
                      AND l.mode = 'ShareUpdateExclusiveLock'
                      AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d
                                         WHERE d.datname = pg_catalog.current_database()))
 UNION ALL  -- 14
SELECT 'partition', h.inhrelid::bigint, n.nspname::text, c.relname::text, pn.nspname::text, p.relname::text  -- 14
  FROM pg_catalog.pg_inherits h  -- 14
  JOIN pg_catalog.pg_class c ON c.oid = h.inhrelid  -- 14
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace  -- 14
  JOIN pg_catalog.pg_class p ON p.oid = h.inhparent  -- 14
  JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace  -- 14
 WHERE h.inhdetachpending  -- 14
 ORDER BY 1, 3, 4
