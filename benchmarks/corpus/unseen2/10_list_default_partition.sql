-- setup
CREATE TABLE orders_by_region (
    order_id integer NOT NULL,
    region   text NOT NULL,
    amount   numeric(10,2) NOT NULL,
    status   text DEFAULT 'new',
    PRIMARY KEY (order_id, region)
) PARTITION BY LIST (region);
CREATE TABLE orders_eu PARTITION OF orders_by_region FOR VALUES IN ('de', 'fr', 'it');
CREATE TABLE orders_us PARTITION OF orders_by_region FOR VALUES IN ('us');
CREATE TABLE orders_rest PARTITION OF orders_by_region DEFAULT;
INSERT INTO orders_by_region SELECT g, (ARRAY['de','fr','us','jp','br','it'])[1 + g % 6], g * 1.25 FROM generate_series(1, 300) g;
-- test

-- fails: default partition already exists
CREATE TABLE orders_other PARTITION OF orders_by_region DEFAULT;
-- fails: default partition contains rows that would belong there
CREATE TABLE orders_jp PARTITION OF orders_by_region FOR VALUES IN ('jp');
-- move the rows first
BEGIN;
ALTER TABLE orders_by_region DETACH PARTITION orders_rest;
CREATE TABLE orders_jp PARTITION OF orders_by_region FOR VALUES IN ('jp');
WITH moved AS (DELETE FROM orders_rest WHERE region = 'jp' RETURNING *)
INSERT INTO orders_by_region SELECT * FROM moved;
ALTER TABLE orders_by_region ATTACH PARTITION orders_rest DEFAULT;
COMMIT;
-- fails: detach concurrently is refused while a default partition exists
ALTER TABLE orders_by_region DETACH PARTITION orders_us CONCURRENTLY;
-- row movement
UPDATE orders_by_region SET region = 'us' WHERE region = 'br' AND order_id < 100;
-- fails: new row violates partition constraint when written to the leaf directly
UPDATE orders_us SET region = 'de' WHERE order_id < 50;
ALTER TABLE orders_eu ADD CONSTRAINT eu_amount CHECK (amount > 0);
ALTER TABLE orders_by_region ADD CONSTRAINT amount_pos CHECK (amount >= 0);
-- fails: inherited constraint
ALTER TABLE orders_us DROP CONSTRAINT amount_pos;
ALTER TABLE ONLY orders_by_region ALTER COLUMN status SET DEFAULT 'open';
ALTER TABLE orders_by_region ALTER COLUMN status SET NOT NULL;
-- fails: a table that is not a partition
ALTER TABLE orders_by_region DETACH PARTITION orders_nowhere;
CREATE TABLE orders_uk (order_id integer NOT NULL, region text NOT NULL, amount numeric(10,2) NOT NULL, status varchar(10) NOT NULL);
-- fails: different type for column "status"
ALTER TABLE orders_by_region ATTACH PARTITION orders_uk FOR VALUES IN ('uk');
ALTER TABLE orders_uk ALTER COLUMN status TYPE text;
ALTER TABLE orders_uk ADD CHECK (amount >= 0);
-- fails: child table is missing constraint "amount_pos" (its own has another name)
ALTER TABLE orders_by_region ATTACH PARTITION orders_uk FOR VALUES IN ('uk');
ALTER TABLE orders_uk RENAME CONSTRAINT orders_uk_amount_check TO amount_pos;
ALTER TABLE orders_by_region ATTACH PARTITION orders_uk FOR VALUES IN ('uk');
CREATE UNIQUE INDEX orders_amount_uq ON orders_eu (order_id);
TRUNCATE orders_jp;
DROP TABLE orders_rest;
ALTER TABLE orders_by_region DETACH PARTITION orders_us CONCURRENTLY;
