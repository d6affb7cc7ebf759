-- SET LOCAL ends with its transaction; the same name means another table before, inside and after.
-- setup
CREATE SCHEMA app;
CREATE TABLE public.item (id int PRIMARY KEY);
CREATE TABLE app.item (id int PRIMARY KEY);
INSERT INTO app.item SELECT generate_series(1, 30);
-- test
ALTER TABLE item ADD COLUMN a int;
BEGIN;
SET LOCAL search_path TO app;
ALTER TABLE item ADD COLUMN b int;
DELETE FROM item WHERE id > 20;
SAVEPOINT s;
SET LOCAL search_path TO public;
ALTER TABLE item ADD COLUMN c int;
ROLLBACK TO SAVEPOINT s;
ALTER TABLE item ADD COLUMN d int;
COMMIT;
ALTER TABLE item ADD COLUMN e int;
SET LOCAL search_path TO app;
ALTER TABLE item ADD COLUMN f int;
