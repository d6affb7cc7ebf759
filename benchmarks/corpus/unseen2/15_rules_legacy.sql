-- setup
-- the 1990s called: rules. do not "fix" without talking to Jürgen
CREATE TABLE stock (part text PRIMARY KEY, qty int NOT NULL DEFAULT 0, updated timestamptz);
CREATE TABLE stock_log (part text, old_qty int, new_qty int, who name, at timestamptz);
CREATE TABLE stock_archive (LIKE stock);
INSERT INTO stock (part, qty) SELECT 'P' || g, g FROM generate_series(1, 40) g;
CREATE RULE stock_upd AS ON UPDATE TO stock WHERE NEW.qty <> OLD.qty
  DO ALSO INSERT INTO stock_log VALUES (OLD.part, OLD.qty, NEW.qty, current_user, current_timestamp);
-- test

UPDATE stock SET qty = qty + 10 WHERE part IN ('P1', 'P2', 'P3');
CREATE RULE stock_del AS ON DELETE TO stock DO INSTEAD
  (INSERT INTO stock_archive VALUES (OLD.part, OLD.qty, now()); UPDATE stock SET qty = 0 WHERE part = OLD.part);
-- looks like data loss, archives instead
DELETE FROM stock WHERE part = 'P5';
CREATE VIEW stock_low AS SELECT part, qty FROM stock WHERE qty < 10;
CREATE RULE stock_low_ins AS ON INSERT TO stock_low DO INSTEAD INSERT INTO stock (part, qty) VALUES (NEW.part, least(NEW.qty, 9));
CREATE RULE stock_low_del AS ON DELETE TO stock_low DO INSTEAD NOTHING;
INSERT INTO stock_low VALUES ('PX', 500), ('PY', 3);
DELETE FROM stock_low;
CREATE OR REPLACE RULE stock_low_del AS ON DELETE TO stock_low DO INSTEAD DELETE FROM stock_log WHERE part = OLD.part;
DELETE FROM stock_low WHERE part = 'P3';
ALTER TABLE stock DISABLE RULE stock_del;
DELETE FROM stock WHERE part = 'P6';
ALTER TABLE stock ENABLE ALWAYS RULE stock_del;
ALTER RULE stock_upd ON stock RENAME TO stock_upd_log;
COMMENT ON RULE stock_del ON stock IS 'archive instead of delete';
ALTER TABLE stock_log ADD COLUMN reason text;
CREATE RULE stock_notify AS ON INSERT TO stock DO ALSO NOTIFY stock_changed;
INSERT INTO stock (part, qty) VALUES ('PZ', 1);
TRUNCATE stock_log;
CREATE TABLE stock_v2 (part text, site int DEFAULT 1, qty int, updated timestamptz);
CREATE RULE redirect AS ON INSERT TO stock DO INSTEAD INSERT INTO stock_v2 (part, qty) VALUES (NEW.part, NEW.qty);
INSERT INTO stock (part, qty) SELECT 'N' || g, g FROM generate_series(1, 5) g;
DROP RULE redirect ON stock;
DROP RULE stock_notify ON stock;
DROP RULE IF EXISTS never_there ON stock;
DROP TABLE stock_archive, stock_log CASCADE;
DELETE FROM stock;
