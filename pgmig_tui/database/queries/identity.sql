-- Purpose: who are we talking to; read at every connect, before every step and for every status row.
-- Privileges: any login role; pg_control_system() is executable by PUBLIC unless somebody revoked it.
-- Versions: 13-18. The live timeline comes from the WAL file name: pg_control_checkpoint() lags behind a promotion.
SELECT pg_catalog.version(), pg_catalog.current_setting('server_version'),
       pg_catalog.current_setting('server_version_num')::int, pg_catalog.current_database(), session_user::text,
       (SELECT s.system_identifier::text FROM pg_catalog.pg_control_system() AS s),
       pg_catalog.pg_is_in_recovery(), pg_catalog.current_setting('server_encoding'),
       CASE WHEN pg_catalog.pg_is_in_recovery() THEN NULL
            ELSE ('x' || pg_catalog.substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8))::bit(32)::int
       END,
       extract(epoch FROM pg_catalog.clock_timestamp())::float8
