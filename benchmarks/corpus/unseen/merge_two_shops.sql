-- After a takeover, the customers of the second shop are merged into the first with MERGE.
-- setup
CREATE SCHEMA north; CREATE SCHEMA south;
CREATE TABLE north.customer (id int PRIMARY KEY, email text UNIQUE, name text, points int NOT NULL DEFAULT 0);
CREATE TABLE south.client (client_no int PRIMARY KEY, mail text, label text, bonus numeric, blocked boolean DEFAULT false);
CREATE TABLE south.invoice (no int PRIMARY KEY, client_no int REFERENCES south.client, total numeric);
INSERT INTO north.customer SELECT g, 'm' || g || '@x', 'n' || g, g FROM generate_series(1, 50) g;
INSERT INTO south.client SELECT g, 'm' || (g + 40) || '@x', 's' || g, g * 1.5, g % 10 = 0 FROM generate_series(1, 50) g;
INSERT INTO south.invoice SELECT g, 1 + g % 50, g FROM generate_series(1, 80) g;
-- test
BEGIN;
CREATE TEMP TABLE id_map (client_no int PRIMARY KEY, customer_id int NOT NULL) ON COMMIT PRESERVE ROWS;
MERGE INTO north.customer c
USING south.client s ON lower(s.mail) = lower(c.email)
WHEN MATCHED AND s.blocked THEN DO NOTHING
WHEN MATCHED THEN UPDATE SET points = c.points + s.bonus::int
WHEN NOT MATCHED AND NOT s.blocked THEN INSERT (id, email, name, points) VALUES (100000 + s.client_no, s.mail, s.label, s.bonus::int);
INSERT INTO id_map SELECT s.client_no, c.id FROM south.client s JOIN north.customer c ON c.email = s.mail;
ALTER TABLE south.invoice ADD COLUMN customer_id int REFERENCES north.customer;
UPDATE south.invoice i SET customer_id = m.customer_id FROM id_map m WHERE m.client_no = i.client_no;
CREATE TABLE south.invoice_orphans AS SELECT * FROM south.invoice WHERE customer_id IS NULL;
DELETE FROM south.invoice i USING south.invoice_orphans o WHERE o.no = i.no;
ALTER TABLE south.invoice ALTER COLUMN customer_id SET NOT NULL;
ALTER TABLE south.invoice DROP COLUMN client_no;
ALTER TABLE south.invoice SET SCHEMA north;
COMMIT;
MERGE INTO north.customer c USING (VALUES (1, 'gone'), (2, 'gone')) v (id, why) ON v.id = c.id
WHEN MATCHED AND c.points < 2 THEN DELETE
WHEN MATCHED THEN UPDATE SET name = v.why;
MERGE INTO north.customer c USING north.customer d ON d.points = c.points WHEN MATCHED THEN UPDATE SET points = d.points + 1;
DROP TABLE id_map;
DROP TABLE south.client;
DROP SCHEMA south;
DROP TABLE south.invoice_orphans;
DROP SCHEMA south RESTRICT;
ALTER SCHEMA north RENAME TO shop;
ALTER TABLE shop.invoice RENAME CONSTRAINT invoice_pkey TO north_invoice_pkey;
CREATE INDEX CONCURRENTLY ON shop.invoice (customer_id);
TRUNCATE shop.customer;
TRUNCATE shop.customer, shop.invoice;
SELECT count(*) FROM north.customer;
