-- Purpose: slots that keep WAL: an inactive one fills the disk during a rewrite, and may be invalidated by it.
-- Privileges: any role.
-- Versions: 13-18; invalidation_reason is there from 17 on.
SELECT s.slot_name::text AS slot, s.slot_type AS kind, s.active, s.wal_status,
       pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END,
                       s.restart_lsn)::float8 AS retained_bytes,
       s.safe_wal_size::float8 AS safe_wal_bytes, to_jsonb(s) ->> 'invalidation_reason' AS invalidation_reason
  FROM pg_replication_slots s
 ORDER BY retained_bytes DESC NULLS LAST
