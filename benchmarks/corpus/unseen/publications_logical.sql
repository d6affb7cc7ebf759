-- Change data capture: publications with row filters and column lists, replica identities.
-- setup
CREATE TABLE account (id int PRIMARY KEY, email text NOT NULL, iban text, country text);
CREATE TABLE booking (id int, account_id int, cents int);
CREATE SCHEMA shop; CREATE TABLE shop.cart (id int PRIMARY KEY, state text); CREATE TABLE shop.item (cart_id int, sku text NOT NULL, n int NOT NULL);
CREATE UNIQUE INDEX item_key ON shop.item (sku, n);
INSERT INTO account SELECT g, 'e' || g, 'DE' || g, 'de' FROM generate_series(1, 10) g; INSERT INTO booking SELECT g, g, g FROM generate_series(1, 10) g; INSERT INTO shop.item SELECT g, 's' || g, g FROM generate_series(1, 10) g;
-- test
CREATE PUBLICATION cdc_account FOR TABLE account (id, email, country) WHERE (country = 'de');
CREATE PUBLICATION cdc_shop FOR TABLES IN SCHEMA shop WITH (publish = 'insert, update');
CREATE PUBLICATION cdc_all FOR ALL TABLES;
DELETE FROM booking WHERE id = 1;
ALTER TABLE booking REPLICA IDENTITY FULL;
DELETE FROM booking WHERE id = 1;
UPDATE account SET country = 'at' WHERE id = 2;
ALTER PUBLICATION cdc_account SET TABLE account (id, email);
DROP PUBLICATION cdc_all;
UPDATE account SET country = 'at' WHERE id = 2;
ALTER TABLE account DROP COLUMN email;
ALTER TABLE account ALTER COLUMN country TYPE char(2);
ALTER PUBLICATION cdc_account DROP TABLE account;
ALTER TABLE account DROP COLUMN email;
ALTER PUBLICATION cdc_account ADD TABLE booking, account;
ALTER PUBLICATION cdc_account ADD TABLE booking;
ALTER PUBLICATION cdc_account ADD TABLES IN SCHEMA shop;
ALTER PUBLICATION cdc_account RENAME TO cdc_main;
ALTER PUBLICATION cdc_main SET (publish_via_partition_root = true);
UPDATE shop.item SET n = n + 1000;
ALTER TABLE shop.item REPLICA IDENTITY USING INDEX item_key;
UPDATE shop.item SET n = n + 1000;
DROP INDEX shop.item_key;
UPDATE shop.item SET n = n - 1000;
DROP PUBLICATION cdc_main, cdc_shop;
UPDATE shop.item SET n = n - 1000;
ALTER TABLE shop.item REPLICA IDENTITY NOTHING;
DROP PUBLICATION IF EXISTS cdc_all;
DROP SCHEMA shop CASCADE;
