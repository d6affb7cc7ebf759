-- A logistics firm loads reference data with COPY, into defaults, views, generated columns and keys.
-- setup
CREATE TABLE port (code char(5) PRIMARY KEY, name text NOT NULL, lat numeric, created timestamptz DEFAULT now(), label text GENERATED ALWAYS AS (code || ' ' || name) STORED);
CREATE TABLE route (id int GENERATED ALWAYS AS IDENTITY, from_port char(5) REFERENCES port, to_port char(5) REFERENCES port, days int CHECK (days > 0));
CREATE TABLE staging (line text);
CREATE TABLE freight (y int, tons int) PARTITION BY LIST (y); CREATE TABLE freight_24 PARTITION OF freight FOR VALUES IN (2024); CREATE TABLE freight_25 PARTITION OF freight FOR VALUES IN (2025);
INSERT INTO port (code, name) VALUES ('DEHAM', 'Hamburg');
-- test
BEGIN;
COPY port (code, name, lat) FROM STDIN;
NLRTM	Rotterdam	51.9
CNSHA	Shanghai	\N
\.
COPY route (from_port, to_port, days) FROM STDIN WITH (DELIMITER ',');
DEHAM,NLRTM,1
NLRTM,CNSHA,33
\.
COMMIT;
COPY port (code, name) FROM STDIN;
DEHAM	Hamburg again
\.
COPY route (from_port, to_port, days) FROM STDIN;
DEHAM	XXXXX	3
\.
COPY freight FROM STDIN (DELIMITER ';');
2024;100
2025;200
\.
COPY freight_24 FROM STDIN;
2025	1
\.
COPY staging FROM STDIN;
2024,5
2024,6
\.
INSERT INTO freight SELECT split_part(line, ',', 1)::int, split_part(line, ',', 2)::int FROM staging;
TRUNCATE staging;
BEGIN;
TRUNCATE freight_24;
COPY freight_24 (y, tons) FROM STDIN;
2024	1
\.
COMMIT;
COPY port (code, label) FROM STDIN;
\.
COPY (SELECT code FROM port ORDER BY 1) TO STDOUT;
ALTER TABLE route ADD COLUMN mode text DEFAULT 'sea' NOT NULL;
ALTER TABLE port ALTER COLUMN code TYPE varchar(5);
ALTER TABLE port DROP COLUMN label;
ALTER TABLE port ALTER COLUMN code TYPE varchar(5);
ALTER TABLE route ALTER COLUMN from_port TYPE varchar(5), ALTER COLUMN to_port TYPE varchar(5);
DROP TABLE staging, freight_25;
