-- Purpose: is there room for the sessions of a run, and are the application's connections near their limit.
-- Privileges: any role (pg_stat_database.numbackends and who is connected are visible to everyone).
-- Versions: 13-18; reserved_connections is there from 16 on.
SELECT current_setting('max_connections')::int AS max_connections,
       current_setting('superuser_reserved_connections')::int
           + coalesce(current_setting('reserved_connections', true)::int, 0) AS reserved,
       (SELECT sum(numbackends) FROM pg_stat_database)::int AS used,
       (SELECT numbackends FROM pg_stat_database WHERE datname = current_database()) AS used_here,
       (SELECT datconnlimit FROM pg_database WHERE datname = current_database()) AS database_limit,
       (SELECT rolconnlimit FROM pg_roles WHERE rolname = session_user) AS role_limit,
       (SELECT count(*) FROM pg_stat_activity WHERE usename = session_user)::int AS used_by_role,
       (SELECT rolsuper FROM pg_roles WHERE rolname = session_user) AS unlimited
