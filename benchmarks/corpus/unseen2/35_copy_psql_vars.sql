-- setup

-- test
\set ON_ERROR_STOP on
\set tbl import_raw
\set final product
\set cutoff 15
CREATE TABLE :"tbl" (line int, sku text, name text, price text, added text);
COPY import_raw (line, sku, name, price, added) FROM stdin;
1	A-1	Hammer; DROP TABLE product;	12.50	2024-01-02
2	A-2	Saw	7.00	2024-01-03
3	A-3	Nail \\ box	\N	2024-01-04
4	B-1	Drill	99.95	2024-02-01
5	B-1	Drill again	98.00	2024-02-02
\.
COPY :tbl FROM stdin WITH (FORMAT text, HEADER true, NULL '', DELIMITER ',');
line,sku,name,price,added
6,C-1,Tape\, 5m,3.20,2024-03-01
7,C-2,Two\nlines,4.40,
\.
CREATE TABLE product (sku varchar(10) PRIMARY KEY, name text NOT NULL, price numeric(8,2), added date);
SELECT count(*) AS n, count(DISTINCT sku) AS d, count(*) > count(DISTINCT sku) AS has_dups FROM :"tbl" \gset imp_
\echo loaded :imp_n rows, :imp_d skus
\if :imp_has_dups
DELETE FROM import_raw a USING import_raw b WHERE a.sku = b.sku AND a.line > b.line;
\else
DROP TABLE import_raw;
\endif
INSERT INTO :"final" SELECT sku, name, price::numeric, added::date FROM :"tbl" WHERE line < :cutoff;
SELECT EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'postgis') AS has_gis \gset
\if :has_gis
ALTER TABLE product ADD COLUMN geo geometry;
\elif :imp_has_dups
COMMENT ON TABLE product IS 'had duplicates';
\else
\endif
ALTER TABLE :final ADD COLUMN source text DEFAULT :'tbl';
-- one index per text column
SELECT format('CREATE INDEX %I ON product (%I)', 'product_' || column_name || '_ix', column_name)
FROM information_schema.columns WHERE table_name = :'final' AND data_type = 'text' ORDER BY 1
\gexec
SELECT 'ALTER TABLE product ALTER COLUMN price SET DEFAULT 0', 'UPDATE product SET price = 0 WHERE price IS NULL', 'ALTER TABLE product ALTER COLUMN price SET NOT NULL' \gexec
BEGIN \; UPDATE product SET price = round(price * 1.1, 2) \; COMMIT;
CREATE TEMP TABLE stage (LIKE product INCLUDING DEFAULTS);
COPY stage (sku, name, price) FROM stdin DELIMITER '|';
A-1|Hammer XL|15
Z-9|Zip tie|0.10
\.
INSERT INTO product SELECT * FROM stage ON CONFLICT (sku) DO UPDATE SET name = EXCLUDED.name, price = EXCLUDED.price WHERE product.price <> EXCLUDED.price;
BEGIN;
TRUNCATE import_raw;
COPY import_raw FROM stdin WITH (FORMAT text, FREEZE);
100	X	frozen	1	2024-05-05
\.
COMMIT;
\set schema_name 'Shop 2'
CREATE SCHEMA :"schema_name";
ALTER TABLE product SET SCHEMA :"schema_name";
SELECT 'Shop 2' AS s, count(*) AS cnt FROM "Shop 2".product \gset
\if :{?cnt}
DELETE FROM :"schema_name".product WHERE price < 1;
\endif
CREATE INDEX CONCURRENTLY ON "Shop 2".product (lower(name)) WHERE price > 5;
COPY (SELECT 1) TO STDOUT;
DROP TABLE :"tbl";
ALTER TABLE :"schema_name".product DROP COLUMN source;
\unset tbl
