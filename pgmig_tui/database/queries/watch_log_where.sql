-- Purpose: where the server writes its log, in which form, and whether this role may read it.
-- Privileges: none to ask; to read pg_monitor, and EXECUTE on pg_read_binary_file(text, bigint, bigint, boolean).
-- Versions: 13 to 18 (jsonlog from 15 on).
SELECT pg_catalog.current_setting('log_destination'), pg_catalog.current_setting('logging_collector') = 'on',
  pg_catalog.current_setting('log_timezone'), pg_catalog.current_setting('lc_messages'),
  pg_catalog.current_setting('log_line_prefix'),
  pg_catalog.has_function_privilege('pg_catalog.pg_current_logfile(text)', 'EXECUTE'),
  pg_catalog.has_function_privilege('pg_catalog.pg_read_binary_file(text, bigint, bigint, boolean)', 'EXECUTE'),
  pg_catalog.has_function_privilege('pg_catalog.pg_stat_file(text, boolean)', 'EXECUTE')
