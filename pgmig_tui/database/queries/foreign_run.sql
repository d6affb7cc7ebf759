-- Purpose: the row of the run that foreign_head.sql has found; without one, of the last that has sessions and hasn't
--   said its end (a run that was killed never says it), else of the last.
-- Privileges: SELECT on the table of runs.
-- Versions: 13-18. Times are UTC, ages in milliseconds by the server's clock.
SELECT r.run_id, r.command, r.project, r.environment, r.host, r.os_user, r.operator, r.role, r.steps,
       pg_catalog.to_char(r.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
       (extract(epoch FROM pg_catalog.clock_timestamp() - r.heartbeat_at) * 1000)::bigint,
       r.state, r.step, r.change, r.place, r.statement, r.exit_status,
       pg_catalog.to_char(r.finished_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
       pg_catalog.set_config('pgmig.since', r.started_at::text, false)
  FROM (SELECT *
          FROM :"schema".runs
         WHERE pg_catalog.current_setting('pgmig.run') IN (run_id, '')
         ORDER BY (state <> 'finished'
                   AND EXISTS (SELECT FROM pg_catalog.pg_stat_activity a
                                WHERE pg_catalog.starts_with(a.application_name, 'pgmig/' || run_id || '/'))) DESC,
                  started_at DESC
         LIMIT 1) r
