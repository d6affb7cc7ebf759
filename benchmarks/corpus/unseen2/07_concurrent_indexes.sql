-- setup

-- test
-- ops/2024-03-concurrent.sql : run with psql, NO surrounding transaction
\set ON_ERROR_ROLLBACK off
CREATE TABLE measurements (id bigserial PRIMARY KEY, sensor int NOT NULL, at timestamptz NOT NULL, val double precision, tag text);
INSERT INTO measurements (sensor, at, val, tag)
  SELECT g % 20, timestamptz '2024-01-01' + g * interval '1 minute', random(), CASE WHEN g % 10 = 0 THEN 'dup' ELSE 't' || g END
  FROM generate_series(1, 2000) g;
CREATE INDEX CONCURRENTLY measurements_sensor_at ON measurements (sensor, at);
-- fails: duplicates; leaves an INVALID index behind
CREATE UNIQUE INDEX CONCURRENTLY measurements_tag_uq ON measurements (tag);
-- fails: the invalid index still owns the name
CREATE UNIQUE INDEX CONCURRENTLY measurements_tag_uq ON measurements (tag);
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS measurements_tag_uq ON measurements (tag);
DROP INDEX CONCURRENTLY measurements_tag_uq;
DELETE FROM measurements a USING measurements b WHERE a.tag = b.tag AND a.id > b.id;
CREATE UNIQUE INDEX CONCURRENTLY measurements_tag_uq ON measurements (tag);
-- fails: index is not a constraint's yet, and the name exists
ALTER TABLE measurements ADD CONSTRAINT measurements_tag_uq UNIQUE (tag);
ALTER TABLE measurements ADD CONSTRAINT measurements_tag_key UNIQUE USING INDEX measurements_tag_uq;
-- fails: the index was renamed by USING INDEX
DROP INDEX measurements_tag_uq;
-- fails: constraint requires the index
DROP INDEX CONCURRENTLY measurements_tag_key;
REINDEX INDEX CONCURRENTLY measurements_sensor_at;
REINDEX TABLE CONCURRENTLY measurements;
BEGIN;
-- fails: CREATE INDEX CONCURRENTLY cannot run inside a transaction block
CREATE INDEX CONCURRENTLY measurements_val ON measurements (val);
ROLLBACK;
CREATE INDEX CONCURRENTLY measurements_val ON measurements (val) INCLUDE (sensor) WITH (fillfactor = 80);
ALTER INDEX measurements_val SET (fillfactor = 90);
ALTER INDEX measurements_val RENAME TO measurements_val_inc;
DROP INDEX CONCURRENTLY IF EXISTS measurements_val;
CREATE INDEX measurements_brin ON measurements USING brin (at) WITH (pages_per_range = 4);
-- fails: IMMUTABLE required, date(timestamptz) depends on TimeZone
CREATE INDEX CONCURRENTLY measurements_day ON measurements (date(at));
CREATE INDEX CONCURRENTLY measurements_day ON measurements (((at AT TIME ZONE 'UTC')::date));
-- swap the primary key over a pre-built index
CREATE UNIQUE INDEX CONCURRENTLY measurements_pk_new ON measurements (id) INCLUDE (sensor);
BEGIN;
ALTER TABLE measurements DROP CONSTRAINT measurements_pkey;
ALTER TABLE measurements ADD CONSTRAINT measurements_pkey PRIMARY KEY USING INDEX measurements_pk_new;
COMMIT;
ALTER INDEX measurements_day ALTER COLUMN 1 SET STATISTICS 500;
ANALYZE measurements;
DROP INDEX measurements_brin, measurements_val_inc;
