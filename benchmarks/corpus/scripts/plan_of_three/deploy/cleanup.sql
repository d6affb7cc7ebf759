BEGIN;
ALTER TABLE shop.purchase ALTER COLUMN total TYPE bigint;
DROP TABLE shop.old_order;
COMMIT;
