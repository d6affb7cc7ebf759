-- A yearly archive with CREATE TABLE AS and SELECT INTO, then the originals are thinned out.
-- setup
CREATE TABLE sales (id bigserial PRIMARY KEY, sold_on date NOT NULL, shop smallint, amount numeric(9,2));
CREATE TABLE sales_notes (sales_id bigint REFERENCES sales (id), note text);
INSERT INTO sales (sold_on, shop, amount) SELECT date '2022-01-01' + g * 5, g % 4, g FROM generate_series(1, 250) g;
INSERT INTO sales_notes SELECT g, 'n' FROM generate_series(1, 250, 25) g;
-- test
CREATE SCHEMA IF NOT EXISTS archive;
CREATE TABLE archive.sales_2022 AS TABLE sales WITH NO DATA;
INSERT INTO archive.sales_2022 SELECT * FROM sales WHERE sold_on < '2023-01-01';
SELECT * INTO archive.sales_2023 FROM sales WHERE sold_on >= '2023-01-01' AND sold_on < '2024-01-01';
SELECT shop, sum(amount) AS amount INTO UNLOGGED TABLE shop_totals FROM sales GROUP BY shop;
CREATE TABLE IF NOT EXISTS archive.sales_2023 AS SELECT 1 AS x;
CREATE TABLE archive.sales_2023 AS SELECT 1 AS x;
ALTER TABLE archive.sales_2022 ADD PRIMARY KEY (id), ADD CHECK (sold_on < '2023-01-01');
ALTER TABLE archive.sales_2023 ADD PRIMARY KEY (id), ADD CHECK (sold_on < '2023-01-01');
ALTER TABLE archive.sales_2023 ADD PRIMARY KEY (id), ADD CHECK (sold_on >= '2023-01-01');
DELETE FROM sales s USING archive.sales_2022 a WHERE a.id = s.id;
CREATE TABLE archive.sales_notes AS SELECT n.*, now() AS archived FROM sales_notes n JOIN archive.sales_2022 USING (sales_id);
CREATE TABLE archive.sales_notes AS SELECT n.*, now() AS archived FROM sales_notes n JOIN archive.sales_2022 s ON s.id = n.sales_id;
DELETE FROM sales_notes n USING archive.sales_notes a WHERE a.sales_id = n.sales_id;
DELETE FROM sales s USING archive.sales_2022 a WHERE a.id = s.id;
VACUUM sales;
ALTER TABLE sales_notes DROP CONSTRAINT sales_notes_sales_id_fkey, ADD CONSTRAINT notes_sales FOREIGN KEY (sales_id) REFERENCES sales ON DELETE CASCADE;
DELETE FROM sales s USING archive.sales_2023 a WHERE a.id = s.id;
CREATE MATERIALIZED VIEW archive.totals AS SELECT date_trunc('month', sold_on) AS month, sum(amount) FROM (SELECT * FROM archive.sales_2022 UNION ALL SELECT * FROM archive.sales_2023) x GROUP BY 1;
ALTER TABLE archive.sales_2022 ALTER COLUMN amount TYPE numeric(12,2);
EXPLAIN SELECT * FROM sales;
EXPLAIN ANALYZE DELETE FROM shop_totals;
DROP TABLE shop_totals;
ALTER TABLE sales ALTER COLUMN id DROP DEFAULT;
DROP SEQUENCE sales_id_seq;
