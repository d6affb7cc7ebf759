-- Columns of odd types: arrays, ranges, domains over domains, row types.
-- setup
CREATE TYPE pair AS (a int, b text); CREATE DOMAIN base_d AS int; CREATE DOMAIN top_d AS base_d CHECK (VALUE > 0); CREATE TYPE fr AS RANGE (subtype = float8);
CREATE TABLE odd (id int PRIMARY KEY); INSERT INTO odd VALUES (1);
-- test
ALTER TABLE odd ADD COLUMN p pair, ADD COLUMN ps pair[];
ALTER TABLE odd ADD COLUMN b base_d;
ALTER TABLE odd ADD COLUMN t top_d;
ALTER TABLE odd ADD COLUMN r fr DEFAULT '[1,2]';
ALTER TABLE odd ADD COLUMN self odd;
ALTER TABLE odd ALTER COLUMN b TYPE int;
ALTER TABLE odd ALTER COLUMN t TYPE bigint;
ALTER TABLE odd ADD COLUMN arr int[] NOT NULL DEFAULT '{}';
DROP TYPE pair;
DROP TYPE fr CASCADE;
DROP DOMAIN base_d;
DROP DOMAIN top_d, base_d;
ALTER TABLE odd DROP COLUMN p, DROP COLUMN ps;
DROP TYPE pair;
