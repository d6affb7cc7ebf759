-- A column in three steps, inside one transaction that holds the strongest lock from its first statement on.
-- setup
CREATE TABLE customer (id int PRIMARY KEY, name text, city text);
CREATE INDEX customer_city ON customer (city);
INSERT INTO customer SELECT g, 'n' || g, NULL FROM generate_series(1, 50) g;
-- test
BEGIN;
ALTER TABLE customer ADD COLUMN country text;
UPDATE customer SET country = 'NO' WHERE country IS NULL;
ALTER TABLE customer ALTER COLUMN country SET NOT NULL;
CREATE INDEX customer_country ON customer (country);
DROP INDEX customer_city;
COMMIT;
DELETE FROM customer WHERE id > 40;
TRUNCATE customer;
DROP TABLE customer;
