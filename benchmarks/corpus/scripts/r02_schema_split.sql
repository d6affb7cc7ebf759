-- One schema becomes two: tables move, with their sequences, views and functions behind them.
-- setup
CREATE SCHEMA shop; CREATE SCHEMA billing; CREATE TABLE shop.orders (id serial PRIMARY KEY); CREATE TABLE shop.bills (id serial PRIMARY KEY, orders int REFERENCES shop.orders); CREATE VIEW shop.open AS SELECT * FROM shop.bills; INSERT INTO shop.orders DEFAULT VALUES;
-- test
BEGIN;
ALTER TABLE shop.bills SET SCHEMA billing;
ALTER VIEW shop.open SET SCHEMA billing;
INSERT INTO billing.bills (orders) VALUES (1);
ALTER TABLE shop.bills ADD COLUMN x int;
ROLLBACK;
ALTER TABLE shop.bills SET SCHEMA billing;
ALTER TABLE billing.bills ADD COLUMN x int;
SELECT * FROM shop.open;
DROP SCHEMA shop;
ALTER SEQUENCE billing.bills_id_seq SET SCHEMA shop;
ALTER TABLE billing.bills DROP CONSTRAINT bills_orders_fkey;
DROP TABLE shop.orders;
DROP SCHEMA shop CASCADE;
SELECT nextval('billing.bills_id_seq');
DROP TABLE billing.bills;
