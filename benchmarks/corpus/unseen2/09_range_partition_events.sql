-- setup
-- monthly range partitions for the event store
CREATE TABLE events (
  id bigint GENERATED ALWAYS AS IDENTITY,
  happened_at timestamptz NOT NULL,
  kind text NOT NULL,
  payload jsonb
) PARTITION BY RANGE (happened_at);
CREATE TABLE events_2024_01 PARTITION OF events FOR VALUES FROM ('2024-01-01 00:00+00') TO ('2024-02-01 00:00+00');
CREATE TABLE events_2024_02 PARTITION OF events FOR VALUES FROM ('2024-02-01 00:00+00') TO ('2024-03-01 00:00+00');
-- test

-- fails: overlaps events_2024_02
CREATE TABLE events_2024_q1 PARTITION OF events FOR VALUES FROM ('2024-02-15 00:00+00') TO ('2024-04-01 00:00+00');
INSERT INTO events (happened_at, kind, payload)
  SELECT timestamptz '2024-01-01 00:00+00' + g * interval '1 hour', (ARRAY['login','click','buy'])[1 + g % 3], jsonb_build_object('g', g)
  FROM generate_series(0, 1000) g;
-- fails: no partition found for row
INSERT INTO events (happened_at, kind) VALUES ('2024-03-05 12:00+00', 'login');
-- fails: unique constraint on a partitioned table must include the partition key
ALTER TABLE events ADD CONSTRAINT events_pkey PRIMARY KEY (id);
ALTER TABLE events ADD CONSTRAINT events_pkey PRIMARY KEY (id, happened_at);
CREATE INDEX events_kind_idx ON events (kind);
-- fails: cannot create index on partitioned table concurrently
CREATE INDEX CONCURRENTLY events_payload_idx ON events USING gin (payload);
-- the long way round
CREATE INDEX events_payload_idx ON ONLY events USING gin (payload);
CREATE INDEX CONCURRENTLY events_2024_01_payload_idx ON events_2024_01 USING gin (payload);
CREATE INDEX CONCURRENTLY events_2024_02_payload_idx ON events_2024_02 USING gin (payload);
ALTER INDEX events_payload_idx ATTACH PARTITION events_2024_01_payload_idx;
ALTER INDEX events_payload_idx ATTACH PARTITION events_2024_02_payload_idx;
-- fails: index of the partition is required by the parent index
DROP INDEX events_2024_01_payload_idx;
-- prepare march off-line and attach
CREATE TABLE events_2024_03 (LIKE events INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
ALTER TABLE events_2024_03 ADD CONSTRAINT march CHECK (happened_at >= '2024-03-01 00:00+00' AND happened_at < '2024-04-01 00:00+00');
INSERT INTO events_2024_03 (id, happened_at, kind) VALUES (5000, '2024-03-09 10:00+00', 'buy');
ALTER TABLE events ATTACH PARTITION events_2024_03 FOR VALUES FROM ('2024-03-01 00:00+00') TO ('2024-04-01 00:00+00');
ALTER TABLE events_2024_03 DROP CONSTRAINT march;
-- columns
ALTER TABLE events ADD COLUMN source text DEFAULT 'web' NOT NULL;
-- fails: cannot add column to a partition
ALTER TABLE events_2024_03 ADD COLUMN extra int;
-- fails: column is part of the partition key
ALTER TABLE events ALTER COLUMN happened_at TYPE date;
ALTER TABLE events ALTER COLUMN kind TYPE varchar(20);
-- retire january
BEGIN;
-- fails: DETACH CONCURRENTLY in a transaction block
ALTER TABLE events DETACH PARTITION events_2024_01 CONCURRENTLY;
ROLLBACK;
ALTER TABLE events DETACH PARTITION events_2024_01 CONCURRENTLY;
DROP TABLE events_2024_01;
ALTER TABLE events DETACH PARTITION events_2024_02;
TRUNCATE events_2024_02;
UPDATE events SET source = 'api' WHERE kind = 'buy';
DROP TABLE events;
