-- Readings of a metering company: months made, a month attached, an old one detached and dropped.
-- setup
CREATE TABLE reading (meter_id int NOT NULL, at timestamptz NOT NULL, kwh numeric(10,3), quality smallint DEFAULT 0) PARTITION BY RANGE (at);
CREATE TABLE reading_2024_01 PARTITION OF reading FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE reading_2024_02 PARTITION OF reading FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
CREATE TABLE reading_2024_03 PARTITION OF reading FOR VALUES FROM ('2024-03-01') TO ('2024-04-01');
CREATE TABLE reading_rest PARTITION OF reading DEFAULT;
CREATE INDEX reading_meter ON reading (meter_id, at);
INSERT INTO reading SELECT g % 7, '2024-01-03'::timestamptz + g * interval '6 hours', g FROM generate_series(1, 420) g;
CREATE TABLE load_2024_05 (LIKE reading INCLUDING DEFAULTS);
INSERT INTO load_2024_05 SELECT g, '2024-05-02', g FROM generate_series(1, 20) g;
-- test
-- April is in the default partition, so this doesn't go
CREATE TABLE reading_2024_04 PARTITION OF reading FOR VALUES FROM ('2024-04-01') TO ('2024-05-01');
BEGIN;
SET LOCAL lock_timeout TO '3s';
ALTER TABLE reading DETACH PARTITION reading_rest;
CREATE TABLE reading_2024_04 PARTITION OF reading FOR VALUES FROM ('2024-04-01') TO ('2024-05-01');
INSERT INTO reading SELECT * FROM reading_rest WHERE at >= '2024-04-01' AND at < '2024-05-01';
DELETE FROM reading_rest WHERE at >= '2024-04-01' AND at < '2024-05-01';
ALTER TABLE reading ATTACH PARTITION reading_rest DEFAULT;
COMMIT;
ALTER TABLE load_2024_05 ADD CONSTRAINT load_may CHECK (at >= '2024-05-01' AND at < '2024-06-01');
CREATE INDEX load_2024_05_meter ON load_2024_05 (meter_id, at);
ALTER TABLE reading ATTACH PARTITION load_2024_05 FOR VALUES FROM ('2024-05-01') TO ('2024-06-01');
ALTER TABLE load_2024_05 DROP CONSTRAINT load_may;
ALTER TABLE load_2024_05 RENAME TO reading_2024_05;
ALTER INDEX load_2024_05_meter RENAME TO reading_2024_05_meter_id_at_idx;
ALTER TABLE reading DETACH PARTITION reading_2024_01 CONCURRENTLY;
DROP TABLE reading_rest;
ALTER TABLE reading DETACH PARTITION reading_2024_01 CONCURRENTLY;
ALTER TABLE reading_2024_01 SET (autovacuum_enabled = false);
DROP TABLE reading_2024_01;
ALTER TABLE reading DETACH PARTITION reading_2024_02;
CREATE SCHEMA cold;
ALTER TABLE reading_2024_02 SET SCHEMA cold;
ALTER TABLE reading ATTACH PARTITION cold.reading_2024_02 FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
ALTER TABLE reading ADD PRIMARY KEY (meter_id, at);
ALTER TABLE reading ALTER COLUMN quality TYPE int;
ALTER TABLE reading_2024_03 ALTER COLUMN quality TYPE bigint;
ALTER TABLE reading_2024_03 ADD COLUMN note text;
ALTER TABLE reading ADD COLUMN note text, ALTER COLUMN kwh SET DEFAULT 0;
CREATE TABLE reading_2024_06 PARTITION OF reading FOR VALUES FROM ('2024-06-01') TO ('2024-07-01') PARTITION BY LIST (meter_id);
CREATE TABLE reading_2024_06_a PARTITION OF reading_2024_06 FOR VALUES IN (1, 2, 3);
INSERT INTO reading (meter_id, at) VALUES (4, '2024-06-03');
TRUNCATE reading_2024_03;
DROP INDEX reading_2024_05_meter_id_at_idx;
DROP INDEX reading_meter;
