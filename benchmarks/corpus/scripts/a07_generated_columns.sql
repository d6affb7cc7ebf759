-- Generated columns and what stands in their way.
-- setup
CREATE TABLE line (id int PRIMARY KEY, price numeric, count int, sum numeric GENERATED ALWAYS AS (price * count) STORED);
CREATE INDEX line_sum ON line (sum);
INSERT INTO line (id, price, count) SELECT g, g, g FROM generate_series(1, 10) g;
-- test
ALTER TABLE line ALTER COLUMN price TYPE numeric(12,2);
ALTER TABLE line DROP COLUMN count;
ALTER TABLE line ALTER COLUMN sum DROP EXPRESSION;
ALTER TABLE line ALTER COLUMN price TYPE numeric(12,2);
ALTER TABLE line DROP COLUMN count;
ALTER TABLE line ADD COLUMN half numeric GENERATED ALWAYS AS (price / 2) STORED;
ALTER TABLE line ALTER COLUMN half SET DEFAULT 1;
UPDATE line SET half = 3;
UPDATE line SET half = DEFAULT;
ALTER TABLE line ALTER COLUMN half SET NOT NULL;
ALTER TABLE line DROP COLUMN price CASCADE;
INSERT INTO line (id, sum) VALUES (20, 5);
