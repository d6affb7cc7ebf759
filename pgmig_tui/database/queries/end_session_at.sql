-- Purpose: cancel or terminate a session only if it is still the one that was shown: processes are reused.
-- Privileges: the same role, or pg_signal_backend; superusers' sessions need a superuser. No row where the start of the
--   session is hidden from this role.
-- Versions: 13-18.
SELECT CASE WHEN %(terminate)s::boolean THEN pg_catalog.pg_terminate_backend(a.pid)
            ELSE pg_catalog.pg_cancel_backend(a.pid) END
  FROM pg_catalog.pg_stat_activity a
 WHERE a.pid = %(pid)s::int AND a.backend_start = %(started)s::timestamptz
