CREATE SCHEMA shop;
CREATE TABLE shop.old_order (id int PRIMARY KEY, total int);
INSERT INTO shop.old_order SELECT g, g FROM generate_series(1, 20) g;
