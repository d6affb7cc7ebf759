-- Purpose: the longest beginning of the chain all of which is older than a time, and what is in it.
-- Privileges: SELECT on the four tables.
-- Versions: 13-18. `:most` is the last place that may go, or NULL. A step whose verification hasn't answered has no place.
WITH links AS (
       SELECT m.seq, m.hash, m.installed_on AS at, m.id AS migration FROM ONLY :"schema".schema_migrations AS m
        WHERE m.seq IS NOT NULL
       UNION ALL
       SELECT e.seq, e.hash, e.recorded_at, NULL FROM ONLY :"schema".evidence AS e),
     place AS (
       SELECT h.chain, h.base_seq, h.base_hash,
              greatest(h.base_seq, least(h.seq, :most, (SELECT pg_catalog.min(l.seq) - 1 FROM links AS l
                                                         WHERE l.at >= :'before'::timestamptz))) AS until
         FROM ONLY :"schema".tracking_head AS h),
     gone AS (SELECT l.* FROM links AS l CROSS JOIN place AS p WHERE l.seq <= p.until)
SELECT p.chain, p.base_seq, p.until,
       coalesce((SELECT g.hash FROM gone AS g WHERE g.seq = p.until), p.base_hash),
       (SELECT pg_catalog.count(g.migration) FROM gone AS g),
       (SELECT pg_catalog.count(*) FROM ONLY :"schema".schema_audit AS s
         WHERE s.migration_id IN (SELECT g.migration FROM gone AS g)),
       (SELECT pg_catalog.count(*) FROM gone AS g WHERE g.migration IS NULL),
       coalesce((SELECT pg_catalog.to_char(pg_catalog.min(g.at) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') FROM gone AS g), ''),
       coalesce((SELECT pg_catalog.to_char(pg_catalog.max(g.at) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') FROM gone AS g), '')
  FROM place AS p
