-- A web shop moves its prices from floats to cents, and its order totals to a trigger.
-- setup
CREATE TABLE customers (customer_id serial PRIMARY KEY, email varchar(120) NOT NULL UNIQUE, loyalty_points int DEFAULT 0);
CREATE TABLE products (sku varchar(20) PRIMARY KEY, title text NOT NULL, price double precision NOT NULL CHECK (price >= 0), weight_g int);
CREATE TABLE orders (order_id serial PRIMARY KEY, customer_id int NOT NULL REFERENCES customers, placed_at timestamp DEFAULT now(), state varchar(12) DEFAULT 'new');
CREATE TABLE order_lines (order_id int REFERENCES orders ON DELETE CASCADE, line_no smallint, sku varchar(20) REFERENCES products, qty int DEFAULT 1, unit_price float8, PRIMARY KEY (order_id, line_no));
CREATE INDEX order_lines_sku ON order_lines (sku);
INSERT INTO customers (email) SELECT 'c' || g || '@shop.example' FROM generate_series(1, 40) g;
INSERT INTO products SELECT 'SKU-' || g, 'Thing ' || g, g * 1.25, g * 10 FROM generate_series(1, 30) g;
INSERT INTO orders (customer_id) SELECT 1 + g % 40 FROM generate_series(1, 100) g;
INSERT INTO order_lines SELECT g, 1, 'SKU-' || (1 + g % 30), 2, 3.5 FROM generate_series(1, 100) g;
CREATE VIEW order_totals AS SELECT order_id, sum(qty * unit_price) AS total FROM order_lines GROUP BY order_id;
-- test
BEGIN;
SET LOCAL lock_timeout = '5s';
ALTER TABLE products ADD COLUMN price_cents bigint;
UPDATE products SET price_cents = round(price * 100);
ALTER TABLE products ALTER COLUMN price_cents SET NOT NULL, ADD CONSTRAINT products_price_cents_positive CHECK (price_cents >= 0);
-- the view still hangs on it
SAVEPOINT before_retype;
ALTER TABLE order_lines ALTER COLUMN unit_price TYPE bigint USING round(unit_price * 100);
ROLLBACK TO SAVEPOINT before_retype;
DROP VIEW order_totals;
ALTER TABLE order_lines ALTER COLUMN unit_price TYPE bigint USING round(unit_price * 100);
ALTER TABLE order_lines RENAME COLUMN unit_price TO unit_price_cents;
CREATE VIEW order_totals AS SELECT order_id, sum(qty * unit_price_cents)::bigint AS total_cents FROM order_lines GROUP BY order_id;
ALTER TABLE products DROP COLUMN price;
COMMIT;

ALTER TABLE orders ADD COLUMN total_cents bigint NOT NULL DEFAULT 0;
UPDATE orders o SET total_cents = t.total_cents FROM order_totals t WHERE t.order_id = o.order_id;
CREATE FUNCTION order_total_refresh() RETURNS trigger LANGUAGE plpgsql AS $f$
BEGIN
  UPDATE orders SET total_cents = coalesce((SELECT sum(qty * unit_price_cents) FROM order_lines l WHERE l.order_id = orders.order_id), 0)
   WHERE order_id = coalesce(NEW.order_id, OLD.order_id);
  RETURN NULL;
END $f$;
CREATE TRIGGER order_lines_total AFTER INSERT OR UPDATE OR DELETE ON order_lines FOR EACH ROW EXECUTE FUNCTION order_total_refresh();
INSERT INTO order_lines VALUES (1, 2, 'SKU-3', 1, 999);
DELETE FROM order_lines WHERE order_id = 2;
UPDATE order_lines SET qty = qty + 1 WHERE sku = 'SKU-5';
ALTER TABLE orders ADD CONSTRAINT orders_state_known CHECK (state IN ('new', 'paid', 'shipped', 'cancelled')) NOT VALID;
ALTER TABLE orders VALIDATE CONSTRAINT orders_state_known;
DELETE FROM customers WHERE customer_id = 3;
DELETE FROM orders WHERE customer_id = 3;
DELETE FROM customers WHERE customer_id = 3;
ALTER TABLE products DROP CONSTRAINT products_price_check;
DROP VIEW IF EXISTS order_totals;
