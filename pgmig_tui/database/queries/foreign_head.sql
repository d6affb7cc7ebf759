-- Purpose: who holds Sqitch's key, which run that is, and which of its sessions runs the script; the statements that
--   follow in the same message find run, process and start in the settings pgmig.run, pgmig.step and pgmig.since.
-- Privileges: any login role; state and start are NULL for a role that may not see the session (no pg_read_all_stats).
-- Versions: 13-18. Lock-free: pg_locks and pg_stat_activity only. Works in a transaction that is read only.
-- Variables: run (the ID of the run that is followed, "" = that of the lock's holder, "-" = the holder is another
--   program), since (when that began, "" = not known yet).
WITH holder AS MATERIALIZED (
    SELECT l.pid, a.usename, a.application_name, a.client_addr, a.client_hostname, a.backend_start, a.state,
           (pg_catalog.regexp_match(a.application_name, '^pgmig/([^/]+)/control$'))[1] AS run
      FROM pg_catalog.pg_locks l
      LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
     WHERE l.locktype = 'advisory' AND l.classid = 0 AND l.objid = 75474063 AND l.objsubid = 1 AND l.granted
       AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
     LIMIT 1
), followed AS (
    SELECT coalesce(NULLIF(:'run', ''), (SELECT h.run FROM holder h), '') AS run
), step AS (
    SELECT a.pid
      FROM pg_catalog.pg_stat_activity a, followed f
     WHERE a.datname = pg_catalog.current_database() AND f.run <> ''
       AND a.application_name ~ ('^pgmig/' || f.run || '/([0-9]+|connect)$')
     ORDER BY a.state = 'active' DESC NULLS LAST, a.backend_start DESC NULLS LAST, a.pid DESC
     LIMIT 1
)
SELECT h.pid, coalesce(h.usename::text, ''), coalesce(h.application_name, ''), coalesce(h.client_addr::text, ''),
       pg_catalog.to_char(h.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), h.state, h.client_hostname,
       pg_catalog.set_config('pgmig.run', f.run, false),
       pg_catalog.set_config('pgmig.step', coalesce((SELECT s.pid FROM step s),
                                                    CASE WHEN f.run IN ('', '-') THEN h.pid END, 0)::text, false),
       pg_catalog.set_config('pgmig.since', coalesce(
           NULLIF(:'since', ''), CASE WHEN f.run IN (coalesce(h.run, ''), '-') THEN h.backend_start::text END, ''), false),
       pg_catalog.to_char(pg_catalog.clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
  FROM followed f
  LEFT JOIN holder h ON true
