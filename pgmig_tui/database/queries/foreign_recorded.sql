-- Purpose: what the registry says: how many changes are deployed, the last one, and the events since the run began.
-- Privileges: USAGE on the registry schema, SELECT on changes and events.
-- Versions: 13-18. An empty pgmig.since: nobody knows when it began, so no event is told of.
WITH since AS (
    SELECT NULLIF(pg_catalog.current_setting('pgmig.since'), '')::timestamptz AS at
), events AS (
    SELECT e.event, e.change, e.committed_at FROM :"registry".events e, since s WHERE e.committed_at >= s.at
), last AS (
    SELECT c.change FROM :"registry".changes c ORDER BY c.committed_at DESC, c.change_id DESC LIMIT 1
)
SELECT (SELECT pg_catalog.count(*) FROM :"registry".changes), (SELECT l.change FROM last l),
       (SELECT pg_catalog.count(*) FROM events),
       (SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(
                   e.event, e.change,
                   pg_catalog.to_char(e.committed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
               ORDER BY e.committed_at)
          FROM (SELECT * FROM events ORDER BY committed_at DESC LIMIT 200) e)
