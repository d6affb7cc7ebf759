-- Purpose: is the chain of schema_migrations and evidence whole: which links say another thing than their hash, which are
--   missing, whether the head is where they end, and which rows are outside of it: of schema_migrations without a place
--   although the head doesn't wait for them, of schema_audit that belong to no migration. One row: links, rows that wait for their verification, the head's columns, whether the links
--   end there, the first rows that are wrong.
-- Privileges: SELECT on the four tables.
-- Versions: 13-18. `:step`, `:statements` and `:proof` are the expressions that the functions hash.
WITH told AS (SELECT s.migration_id, :statements AS statements FROM ONLY :"schema".schema_audit AS s GROUP BY s.migration_id),
     links AS (
       SELECT 'schema_migrations' AS relation, m.id, m.seq, m.prev_hash, m.hash, m.version AS name,
              pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to((
                SELECT :step FROM (SELECT t.statements) AS one(a)), 'UTF8')), 'hex') AS computed
         FROM ONLY :"schema".schema_migrations AS m LEFT JOIN told AS t ON t.migration_id = m.id
        WHERE m.seq IS NOT NULL
       UNION ALL
       SELECT 'evidence', e.id, e.seq, e.prev_hash, e.hash, e.item,
              pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(:proof, 'UTF8')), 'hex')
         FROM ONLY :"schema".evidence AS e WHERE e.seq IS NOT NULL),
     seen AS (
       SELECT l.relation, l.id, l.seq, l.name, l.hash, l.computed, l.prev_hash,
              pg_catalog.lag(l.hash) OVER w AS before, pg_catalog.lag(l.seq) OVER w AS prior
         FROM links AS l
       WINDOW w AS (ORDER BY l.seq)),
     wrong AS (
       SELECT s.seq, s.relation, s.id, s.name,
              CASE WHEN s.hash IS DISTINCT FROM s.computed THEN 'altered'
                   WHEN s.prior IS NOT NULL AND s.seq <> s.prior + 1 THEN 'missing before'
                   WHEN s.prior IS NULL AND s.seq <> h.base_seq + 1 THEN 'missing before'
                   WHEN s.prev_hash IS DISTINCT FROM coalesce(s.before, h.base_hash) THEN 'not the next'
                   WHEN s.seq > h.seq THEN 'behind the head' END AS problem
         FROM seen AS s CROSS JOIN ONLY :"schema".tracking_head AS h
       UNION ALL
       SELECT 0, 'schema_migrations', m.id, m.version, 'outside'
         FROM ONLY :"schema".schema_migrations AS m CROSS JOIN ONLY :"schema".tracking_head AS h
        WHERE m.seq IS NULL AND m.id IS DISTINCT FROM h.pending
       UNION ALL
       SELECT 0, 'evidence', e.id, e.item, 'outside' FROM ONLY :"schema".evidence AS e WHERE e.seq IS NULL),
     ends(ends) AS (
       SELECT h.seq = coalesce((SELECT pg_catalog.max(l.seq) FROM links AS l), h.base_seq)
                AND h.hash = coalesce((SELECT l.hash FROM links AS l WHERE l.seq = h.seq LIMIT 1), h.base_hash)
         FROM ONLY :"schema".tracking_head AS h),
     -- Where migrations were taken out, their statements are left behind: that is told of the migrations.
     strays AS (
       SELECT 0::pg_catalog.int8 AS seq, 'schema_audit' AS relation, s.id, pg_catalog.concat('migration ', s.migration_id) AS name,
              'outside' AS problem
         FROM ONLY :"schema".schema_audit AS s
        WHERE NOT EXISTS (SELECT FROM ONLY :"schema".schema_migrations AS m WHERE m.id = s.migration_id)
          AND (SELECT e.ends FROM ends AS e) AND NOT EXISTS (SELECT FROM wrong AS w WHERE w.problem IS NOT NULL)
        ORDER BY s.id LIMIT 20)
SELECT (SELECT pg_catalog.count(*) FROM links),
       (SELECT pg_catalog.count(*) FROM ONLY :"schema".schema_migrations AS m WHERE m.seq IS NULL AND m.id = h.pending),
       h.chain, h.seq, h.hash, h.base_seq, h.created_at::text,
       (SELECT e.ends FROM ends AS e),
       ARRAY(SELECT pg_catalog.concat_ws(E'\t', w.seq, w.problem, w.relation, w.id, w.name)
               FROM (SELECT * FROM wrong UNION ALL SELECT s.seq, s.relation, s.id, s.name, s.problem FROM strays AS s) AS w
              WHERE w.problem IS NOT NULL ORDER BY w.seq, w.id LIMIT 20)
  FROM ONLY :"schema".tracking_head AS h
