-- Purpose: what work that is over has left in this database: constraints that are not validated or not enforced,
--   triggers, rules and event triggers that are switched off, unlogged tables, prepared transactions, slots that nobody
--   uses. Invalid indexes and partitions that are half detached are left_behind.sql's.
-- Privileges: any role.
-- Versions: 13-18; what only later versions have is asked by to_jsonb. Lock-free.
-- Parameters: none. `since` is when the object's row was last written, where track_commit_timestamp is on, else what
--   the view says. `relation` is quoted and qualified, `name` isn't. `age_s` seconds where known.
WITH commit_times(kept) AS (SELECT pg_catalog.current_setting('track_commit_timestamp') = 'on'),
     found(kind, schema, relation, name, extra, written, since, bytes) AS (
SELECT CASE WHEN pg_catalog.to_jsonb(k) ->> 'conenforced' = 'false' THEN 'not enforced' ELSE 'not valid' END,
       n.nspname::text, pg_catalog.format('%I.%I', n.nspname, c.relname), k.conname::text, k.contype::text, k.xmin,
       NULL::timestamptz, NULL::float8
  FROM pg_catalog.pg_constraint k
  JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE NOT k.convalidated AND k.conparentid = 0 AND NOT (k.contype <> 'f' AND k.coninhcount > 0 AND NOT k.conislocal)
 UNION ALL
SELECT 'domain not valid', n.nspname::text, pg_catalog.format('%I.%I', n.nspname, t.typname), k.conname::text, '',
       k.xmin, NULL, NULL
  FROM pg_catalog.pg_constraint k
  JOIN pg_catalog.pg_type t ON t.oid = k.contypid
  JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
 WHERE NOT k.convalidated
 UNION ALL
SELECT 'disabled trigger', n.nspname::text, pg_catalog.format('%I.%I', n.nspname, c.relname), t.tgname::text,
       CASE WHEN t.tgisinternal THEN coalesce((SELECT k.conname::text FROM pg_catalog.pg_constraint k
                                                WHERE k.oid = t.tgconstraint), t.tgname::text) ELSE '' END,
       t.xmin, NULL, NULL
  FROM pg_catalog.pg_trigger t
  JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE t.tgenabled = 'D'
   AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_trigger p WHERE p.oid = t.tgparentid AND p.tgenabled = 'D')
 UNION ALL
SELECT 'disabled rule', n.nspname::text, pg_catalog.format('%I.%I', n.nspname, c.relname), r.rulename::text, '',
       r.xmin, NULL, NULL
  FROM pg_catalog.pg_rewrite r
  JOIN pg_catalog.pg_class c ON c.oid = r.ev_class
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE r.ev_enabled = 'D'
 UNION ALL
SELECT 'disabled event trigger', '', '', e.evtname::text, '', e.xmin, NULL, NULL
  FROM pg_catalog.pg_event_trigger e
 WHERE e.evtenabled = 'D'
 UNION ALL
SELECT 'unlogged', n.nspname::text, pg_catalog.format('%I.%I', n.nspname, c.relname), c.relname::text, '', c.xmin, NULL,
       c.relpages::float8 * pg_catalog.current_setting('block_size')::float8
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relpersistence = 'u' AND c.relkind IN ('r', 'p') AND NOT c.relispartition
   AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend d
                    WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
 UNION ALL
SELECT 'prepared', '', '', p.gid, p.owner::text, NULL, p.prepared, NULL
  FROM pg_catalog.pg_prepared_xacts p
 WHERE p.database = pg_catalog.current_database()
 UNION ALL
SELECT 'slot', '', '', s.slot_name::text, s.slot_type, NULL,
       (pg_catalog.to_jsonb(s) ->> 'inactive_since')::timestamptz,
       pg_catalog.pg_wal_lsn_diff(CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()
                                       ELSE pg_catalog.pg_current_wal_lsn() END, s.restart_lsn)::float8
  FROM pg_catalog.pg_replication_slots s
 WHERE NOT s.active AND NOT s.temporary
   AND (s.database IS NULL OR s.database = pg_catalog.current_database())
)
SELECT f.kind, f.schema, f.relation, f.name, f.extra, f.bytes,
       pg_catalog.to_char(t.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
       extract(epoch FROM pg_catalog.clock_timestamp() - t.at)::float8
  FROM found f, commit_times c,
       LATERAL (SELECT coalesce(f.since, CASE WHEN c.kept AND f.written IS NOT NULL
                                               AND f.written::text NOT IN ('0', '1', '2')
                                              THEN pg_catalog.pg_xact_commit_timestamp(f.written) END)) AS t(at)
 WHERE f.schema NOT IN ('pg_catalog', 'information_schema') AND f.schema NOT LIKE 'pg\_toast%'
 ORDER BY 1, 3, 4
