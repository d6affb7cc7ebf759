-- setup
-- maintenance window, friday night
CREATE TABLE big (id bigint PRIMARY KEY, k int, txt text, pad char(50) DEFAULT 'x') WITH (fillfactor = 70);
CREATE UNLOGGED TABLE cache (k text PRIMARY KEY, v jsonb);
INSERT INTO big (id, k, txt) SELECT g, (g * 7919) % 1000, repeat(md5(g::text), 3) FROM generate_series(1, 3000) g;
INSERT INTO cache SELECT 'k' || g, '{}' FROM generate_series(1, 100) g;
CREATE INDEX big_k ON big (k);
-- test

DELETE FROM big WHERE id % 3 = 0;
VACUUM (VERBOSE OFF, ANALYZE, INDEX_CLEANUP ON) big;
BEGIN;
-- fails: VACUUM cannot run inside a transaction block
VACUUM big;
ROLLBACK;
VACUUM FULL big;
CLUSTER big USING big_k;
CLUSTER big;
-- fails: there is no previously clustered index
CLUSTER cache;
ALTER TABLE big SET WITHOUT CLUSTER;
ALTER TABLE big CLUSTER ON big_pkey;
-- fails: no such index for this table
CLUSTER big USING cache_pkey;
ALTER TABLE big SET (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05, toast.autovacuum_enabled = false);
ALTER TABLE big RESET (fillfactor);
-- fails: unrecognized parameter
ALTER TABLE big SET (compression = 'lz4');
ALTER TABLE big ALTER COLUMN txt SET STORAGE EXTERNAL;
ALTER TABLE big ALTER COLUMN txt SET COMPRESSION pglz;
-- fails: integer column can only have storage PLAIN
ALTER TABLE big ALTER COLUMN k SET STORAGE EXTENDED;
ALTER TABLE cache SET LOGGED;
ALTER TABLE cache SET LOGGED;
CREATE TABLE child_log (k text REFERENCES cache);
-- fails: referenced by a logged table
ALTER TABLE cache SET UNLOGGED;
ALTER TABLE child_log SET UNLOGGED;
ALTER TABLE cache SET UNLOGGED;
ALTER TABLE big ALTER COLUMN k SET (n_distinct = -0.5);
ALTER TABLE big ALTER COLUMN k SET STATISTICS 1000;
REINDEX TABLE big;
REINDEX (VERBOSE) INDEX CONCURRENTLY big_k;
BEGIN;
-- fails: not in a transaction block
REINDEX TABLE CONCURRENTLY big;
ROLLBACK;
BEGIN;
REINDEX INDEX big_pkey;
ANALYZE big (k);
COMMIT;
-- fails: column does not exist
ANALYZE big (kk);
ALTER TABLE big SET ACCESS METHOD heap;
ALTER INDEX big_k SET (deduplicate_items = off);
-- fails: fillfactor out of bounds
CREATE INDEX big_txt ON big (md5(txt)) WITH (fillfactor = 5);
CHECKPOINT;
TRUNCATE cache, child_log;
VACUUM (FREEZE, TRUNCATE OFF) big, cache;
DROP INDEX big_k;
