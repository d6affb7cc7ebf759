-- Purpose: which of the rows `:ids` of schema_migrations that have a place in the chain are no links of it: their hash isn't
--   that of what they say, or the rows before and behind them, or the head, don't know them.
-- Privileges: SELECT on the four tables.
-- Versions: 13-18. `:step` and `:statements` are the expressions that the functions hash.
WITH told AS (
       SELECT s.migration_id, :statements AS statements FROM ONLY :"schema".schema_audit AS s
        WHERE s.migration_id = ANY (:ids) GROUP BY s.migration_id),
     near AS (
       SELECT x.seq, x.hash, x.prev_hash FROM ONLY :"schema".schema_migrations AS x WHERE x.seq IS NOT NULL
       UNION ALL
       SELECT e.seq, e.hash, e.prev_hash FROM ONLY :"schema".evidence AS e)
SELECT DISTINCT m.id, m.version
  FROM ONLY :"schema".schema_migrations AS m
  LEFT JOIN told AS t ON t.migration_id = m.id
  LEFT JOIN ONLY :"schema".tracking_head AS h ON true
  LEFT JOIN near AS p ON p.seq = m.seq - 1
  LEFT JOIN near AS n ON n.seq = m.seq + 1
 WHERE m.id = ANY (:ids) AND m.seq IS NOT NULL
   AND NOT coalesce(
         m.hash = pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to((
                    SELECT :step FROM (SELECT t.statements) AS one(a)), 'UTF8')), 'hex')
         AND m.prev_hash = CASE WHEN m.seq = h.base_seq + 1 THEN h.base_hash ELSE p.hash END
         AND CASE WHEN m.seq = h.seq THEN m.hash = h.hash ELSE m.seq < h.seq AND n.prev_hash = m.hash END, false)
 ORDER BY m.id LIMIT 20
