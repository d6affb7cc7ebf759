-- Views on views, replaced, renamed and dropped in turn.
-- setup
CREATE TABLE stock (id int PRIMARY KEY, item text, amount int, price numeric);
CREATE VIEW rich AS SELECT id, item, amount * price AS worth FROM stock;
CREATE VIEW richest AS SELECT * FROM rich WHERE worth > 100;
INSERT INTO stock VALUES (1, 'i', 2, 3);
-- test
CREATE OR REPLACE VIEW rich AS SELECT id, item, amount * price AS worth, amount FROM stock;
CREATE OR REPLACE VIEW rich AS SELECT id, item FROM stock;
ALTER TABLE stock DROP COLUMN price;
ALTER TABLE stock ALTER COLUMN amount TYPE bigint;
DROP VIEW rich;
DROP VIEW richest, rich;
BEGIN;
ALTER TABLE stock ALTER COLUMN amount TYPE bigint;
CREATE VIEW rich AS SELECT id, item FROM stock;
ALTER VIEW rich RENAME COLUMN item TO thing;
ALTER VIEW rich RENAME TO poor;
ALTER VIEW poor ALTER COLUMN thing SET DEFAULT 'none';
ALTER VIEW poor SET (security_barrier = true);
COMMIT;
INSERT INTO poor VALUES (7, 'x');
UPDATE poor SET thing = 'y' WHERE id = 7;
DELETE FROM poor;
ALTER TABLE stock DROP COLUMN item CASCADE;
SELECT * FROM poor;
