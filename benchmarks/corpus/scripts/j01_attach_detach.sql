-- Partitions that come and go, with keys on both sides.
-- setup
CREATE TABLE shop (id int PRIMARY KEY);
CREATE TABLE sale (id int, shop int REFERENCES shop, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE sale_1 PARTITION OF sale FOR VALUES FROM ('2025-01-01') TO ('2025-02-01');
CREATE TABLE sale_rest PARTITION OF sale DEFAULT;
CREATE TABLE sale_2 (id int NOT NULL, shop int, at date NOT NULL);
CREATE TABLE refund (id int, sale int, at date, FOREIGN KEY (sale, at) REFERENCES sale (id, at));
INSERT INTO shop VALUES (1); INSERT INTO sale VALUES (1, 1, '2025-01-03'), (2, 1, '2025-07-01');
-- test
ALTER TABLE sale ATTACH PARTITION sale_2 FOR VALUES FROM ('2025-02-01') TO ('2025-03-01');
ALTER TABLE sale DETACH PARTITION sale_1;
INSERT INTO sale VALUES (5, 1, '2025-02-02');
ALTER TABLE sale DETACH PARTITION sale_rest;
CREATE TABLE sale_3 PARTITION OF sale FOR VALUES FROM ('2025-03-01') TO ('2025-04-01');
DROP TABLE sale_3;
DROP TABLE sale_1;
ALTER TABLE sale DROP CONSTRAINT sale_shop_fkey;
TRUNCATE shop;
TRUNCATE sale, refund;
DROP TABLE sale;
DROP TABLE sale CASCADE;
ALTER TABLE refund ADD COLUMN why text;
