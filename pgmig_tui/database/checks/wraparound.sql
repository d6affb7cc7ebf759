-- Purpose: how near the database is to refusing writes, and whether a vacuum against wraparound will soon start on an
--   affected table (it doesn't yield to DDL).
-- Privileges: any role.
-- Versions: 13-18.
-- Parameters: schemas, relations.
SELECT 'database' AS kind, d.datname::text AS name,
       round(100.0 * age(d.datfrozenxid) / 2147483648.0, 1)::float8 AS percent
  FROM pg_database d
 WHERE d.datname = current_database()
 UNION ALL
SELECT 'table', c.oid::regclass::text,
       round(100.0 * age(c.relfrozenxid)
             / least(coalesce((SELECT o.option_value::bigint FROM pg_options_to_table(c.reloptions) AS o
                                WHERE o.option_name = 'autovacuum_freeze_max_age'),
                              current_setting('autovacuum_freeze_max_age')::bigint),
                     current_setting('autovacuum_freeze_max_age')::bigint), 1)::float8
  FROM unnest(%(schemas)s::text[], %(relations)s::text[]) AS t(nspname, relname)
  JOIN pg_class c ON c.relname = t.relname AND c.relkind IN ('r', 'm', 't')
  JOIN pg_namespace n ON n.oid = c.relnamespace AND (t.nspname IS NULL OR n.nspname = t.nspname)
