-- Work in temporary tables, as reports and corrections are often made.
-- setup
CREATE TABLE payment (id int PRIMARY KEY, amount numeric, fixed boolean); INSERT INTO payment SELECT g, g, false FROM generate_series(1, 30) g;
-- test
CREATE TEMP TABLE wrong AS SELECT id FROM payment WHERE amount > 20;
CREATE INDEX ON wrong (id);
ANALYZE wrong;
UPDATE payment SET fixed = true FROM wrong WHERE wrong.id = payment.id;
ALTER TABLE wrong ADD COLUMN why text;
CREATE TEMP VIEW still AS SELECT p.* FROM payment p JOIN wrong w USING (id);
SELECT count(*) FROM still;
TRUNCATE wrong;
DROP TABLE wrong;
DROP TABLE wrong CASCADE;
CREATE TEMPORARY TABLE payment (LIKE public.payment INCLUDING DEFAULTS) ON COMMIT DELETE ROWS;
ALTER TABLE payment ADD COLUMN x int;
DROP TABLE payment;
ALTER TABLE payment ADD COLUMN x int;
BEGIN;
CREATE TEMP TABLE payment ON COMMIT DROP AS SELECT 1 AS a;
ALTER TABLE public.payment RENAME TO paid;
COMMIT;
ALTER TABLE payment ADD COLUMN y int;
ALTER TABLE paid ADD COLUMN y int;
