-- Tables swapped by renaming, with what hangs on them: views and keys follow the table, functions the name.
-- setup
CREATE TABLE menu (id int PRIMARY KEY, dish text); CREATE VIEW dishes AS SELECT dish FROM menu;
CREATE TABLE menu_order (menu int REFERENCES menu);
CREATE FUNCTION menu_lock() RETURNS void LANGUAGE plpgsql AS $$ BEGIN LOCK TABLE menu IN SHARE MODE; END $$;
INSERT INTO menu VALUES (1, 'soup');
-- test
BEGIN;
CREATE TABLE menu_new (LIKE menu INCLUDING ALL);
INSERT INTO menu_new SELECT * FROM menu;
ALTER TABLE menu RENAME TO menu_old;
ALTER TABLE menu_new RENAME TO menu;
SELECT menu_lock();
COMMIT;
SELECT menu_lock();
SELECT * FROM dishes;
INSERT INTO menu_order VALUES (1);
DROP TABLE menu_old;
ALTER TABLE menu_order DROP CONSTRAINT menu_order_menu_fkey;
DROP TABLE menu_old CASCADE;
SELECT * FROM dishes;
ALTER TABLE menu_order ADD FOREIGN KEY (menu) REFERENCES menu;
ALTER INDEX menu_new_pkey RENAME TO menu_pkey;
ALTER TABLE menu RENAME COLUMN id TO menu_id;
ALTER TABLE menu DROP COLUMN id;
DELETE FROM menu WHERE menu_id = 1;
