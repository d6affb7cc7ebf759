-- A plain table becomes partitioned, by renaming it away.
-- setup
CREATE TABLE measure (id bigserial PRIMARY KEY, at timestamptz NOT NULL, v float);
CREATE VIEW latest AS SELECT max(at) AS at FROM measure;
INSERT INTO measure (at, v) SELECT '2025-06-01', g FROM generate_series(1, 20) g;
-- test
BEGIN;
LOCK TABLE measure IN ACCESS EXCLUSIVE MODE;
ALTER TABLE measure RENAME TO measure_old;
ALTER TABLE measure_old RENAME CONSTRAINT measure_pkey TO measure_old_pkey;
CREATE TABLE measure (id bigint NOT NULL DEFAULT nextval('measure_id_seq'), at timestamptz NOT NULL, v float, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
ALTER SEQUENCE measure_id_seq OWNED BY measure.id;
CREATE TABLE measure_new PARTITION OF measure FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
ALTER TABLE measure_old ALTER COLUMN id DROP DEFAULT;
ALTER TABLE measure_old DROP CONSTRAINT measure_old_pkey;
ALTER TABLE measure_old ADD PRIMARY KEY (id, at);
ALTER TABLE measure ATTACH PARTITION measure_old FOR VALUES FROM (MINVALUE) TO ('2026-01-01');
CREATE OR REPLACE VIEW latest AS SELECT max(at) AS at FROM measure;
COMMIT;
INSERT INTO measure (at, v) VALUES ('2026-02-01', 1);
ALTER TABLE measure_old ALTER COLUMN v TYPE numeric;
ALTER TABLE measure ALTER COLUMN v TYPE numeric;
DROP TABLE measure_old;
