-- A fix-up script that works on temporary tables of the same names as the real ones.
-- setup
CREATE TABLE rates (cur char(3) PRIMARY KEY, rate numeric NOT NULL);
CREATE TABLE payments (id int PRIMARY KEY, cur char(3) REFERENCES rates, amount numeric);
INSERT INTO rates VALUES ('EUR', 1), ('USD', 1.1), ('GBP', 0.9);
INSERT INTO payments SELECT g, (ARRAY['EUR', 'USD', 'GBP'])[1 + g % 3], g FROM generate_series(1, 33) g;
-- test
CREATE TEMPORARY TABLE rates (cur char(3), rate numeric, day date DEFAULT current_date);
INSERT INTO rates (cur, rate) VALUES ('EUR', 1), ('USD', 1.2);
ALTER TABLE rates ADD COLUMN source text DEFAULT 'ecb';
UPDATE rates SET rate = rate * 1.01;
UPDATE public.rates p SET rate = r.rate FROM rates r WHERE r.cur = p.cur;
ALTER TABLE payments ADD COLUMN eur numeric;
UPDATE payments p SET eur = amount / r.rate FROM rates r WHERE r.cur = p.cur;
ALTER TABLE payments ADD CONSTRAINT payments_rates FOREIGN KEY (cur) REFERENCES rates;
TRUNCATE rates;
DROP TABLE rates;
ALTER TABLE rates ADD COLUMN day date;
CREATE TEMP TABLE payments ON COMMIT DROP AS SELECT * FROM payments WHERE eur IS NULL;
BEGIN;
CREATE TEMP TABLE payments ON COMMIT DROP AS SELECT * FROM payments WHERE eur IS NULL;
DELETE FROM payments;
ALTER TABLE payments DROP COLUMN eur;
COMMIT;
DELETE FROM payments WHERE eur IS NULL;
SET search_path = public, pg_temp;
CREATE TEMP TABLE payments (x int);
ALTER TABLE payments ADD COLUMN checked boolean;
DROP TABLE pg_temp.payments;
RESET search_path;
CREATE TEMP SEQUENCE payments_no;
ALTER TABLE payments ALTER COLUMN id SET DEFAULT nextval('payments_no');
CREATE TEMP VIEW rates AS SELECT cur, 1 / rate AS rate FROM public.rates;
ALTER TABLE rates ALTER COLUMN rate TYPE numeric(12,6);
DROP VIEW rates;
ALTER TABLE rates ALTER COLUMN rate TYPE numeric(12,6);
DISCARD TEMP;
DISCARD ALL;
DROP TABLE rates;
