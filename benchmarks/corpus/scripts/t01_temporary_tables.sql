-- A temporary table hides one of its name until it goes: at COMMIT, by DROP, by DISCARD, at once outside of a block.
-- setup
CREATE TABLE users (id int);
CREATE TABLE orders (id int);
INSERT INTO users SELECT generate_series(1, 10);
-- test
BEGIN;
CREATE TEMP TABLE users ON COMMIT DROP AS SELECT * FROM public.users;
DELETE FROM users;
COMMIT;
ALTER TABLE users ADD COLUMN a int;
CREATE TEMP TABLE orders (id int) ON COMMIT DROP;
ALTER TABLE orders ADD COLUMN a int;
CREATE TEMP TABLE orders (id int);
ALTER TABLE orders ADD COLUMN b int;
ALTER TABLE public.orders ADD COLUMN c int;
DROP TABLE orders;
ALTER TABLE orders ADD COLUMN d int;
CREATE TEMP TABLE users (id int);
DISCARD TEMP;
DROP TABLE users;
