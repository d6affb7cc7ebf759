-- Unique constraints and indexes on the same columns, dropped as the wrong kind.
-- setup
CREATE TABLE k (a int, b int, c text); INSERT INTO k SELECT g, g, g::text FROM generate_series(1, 20) g;
-- test
CREATE UNIQUE INDEX k_a ON k (a);
ALTER TABLE k ADD UNIQUE (a);
ALTER TABLE k ADD CONSTRAINT k_a UNIQUE (a);
ALTER TABLE k ADD CONSTRAINT k_ab UNIQUE (a, b) DEFERRABLE;
DROP INDEX k_ab;
ALTER TABLE k DROP CONSTRAINT k_a;
DROP INDEX k_a;
ALTER TABLE k DROP CONSTRAINT k_a_key;
ALTER TABLE k ADD PRIMARY KEY (a, b), ADD UNIQUE (c) INCLUDE (b);
ALTER TABLE k ADD UNIQUE (c) INCLUDE (b);
ALTER TABLE k DROP COLUMN b;
CREATE UNIQUE INDEX ON k (c);
CREATE UNIQUE INDEX ON k (c);
ALTER TABLE k ALTER COLUMN c TYPE varchar(10);
ALTER TABLE k DROP COLUMN c;
DROP INDEX k_c_idx;
