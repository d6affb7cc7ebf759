-- Queries in a migration, just to look.
-- setup
CREATE TABLE orders (id int PRIMARY KEY, total numeric); INSERT INTO orders SELECT g, g FROM generate_series(1, 50) g;
CREATE VIEW big AS SELECT * FROM orders WHERE total > 10;
-- test
SELECT count(*) FROM orders;
SELECT * FROM big LIMIT 1;
SELECT pg_size_pretty(pg_total_relation_size('orders'));
SELECT * FROM orders WHERE id = 1 FOR UPDATE;
SELECT relname FROM pg_class WHERE relname = 'orders';
SELECT version(), now(), current_user;
SELECT o.id INTO TEMP chosen FROM orders o WHERE total > 40;
DELETE FROM orders USING chosen WHERE chosen.id = orders.id;
SELECT total FROM orderz;
SELECT totall FROM orders;
SELECT * FROM generate_series(1, 3);
SHOW search_path;
EXPLAIN SELECT * FROM big;
SELECT pg_sleep(0);
