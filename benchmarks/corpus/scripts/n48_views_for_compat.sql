-- A table renamed and a view put in its place, so that old code goes on.
-- setup
CREATE TABLE cust (id serial PRIMARY KEY, nm text); INSERT INTO cust (nm) VALUES ('a'); CREATE TABLE ord (cust int REFERENCES cust);
CREATE FUNCTION get_cust(int) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT nm FROM cust WHERE id = $1); END $$;
-- test
BEGIN;
ALTER TABLE cust RENAME TO customer;
ALTER TABLE customer RENAME COLUMN nm TO name;
CREATE VIEW cust AS SELECT id, name AS nm FROM customer;
COMMIT;
SELECT get_cust(1);
INSERT INTO cust (nm) VALUES ('b');
UPDATE cust SET nm = 'c' WHERE id = 1;
ALTER TABLE cust ADD COLUMN x int;
DELETE FROM cust WHERE id = 99;
ALTER TABLE customer DROP COLUMN name;
DROP VIEW cust;
SELECT get_cust(1);
ALTER TABLE customer DROP COLUMN name;
ALTER TABLE ord DROP CONSTRAINT ord_cust_fkey;
