-- A bloated index replaced by hand, concurrently.
-- setup
CREATE TABLE bloat (id int PRIMARY KEY, a int, b int); CREATE INDEX bloat_a ON bloat (a); CREATE UNIQUE INDEX bloat_b ON bloat (b); INSERT INTO bloat SELECT g, g, g FROM generate_series(1, 30) g; CREATE TABLE bloat_ref (b int REFERENCES bloat (b));
-- test
CREATE INDEX CONCURRENTLY bloat_a_new ON bloat (a);
BEGIN;
DROP INDEX bloat_a;
ALTER INDEX bloat_a_new RENAME TO bloat_a;
COMMIT;
DROP INDEX bloat_b;
DROP INDEX CONCURRENTLY bloat_b;
ALTER TABLE bloat_ref DROP CONSTRAINT bloat_ref_b_fkey;
DROP INDEX bloat_b;
CREATE UNIQUE INDEX bloat_b ON bloat (b) INCLUDE (a);
ALTER TABLE bloat ADD CONSTRAINT bloat_b_key UNIQUE USING INDEX bloat_b;
ALTER TABLE bloat_ref ADD FOREIGN KEY (b) REFERENCES bloat (b);
ALTER TABLE bloat DROP COLUMN a;
ALTER TABLE bloat DROP COLUMN a CASCADE;
REINDEX INDEX bloat_pkey;
