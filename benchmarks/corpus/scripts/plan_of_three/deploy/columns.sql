BEGIN;
ALTER TABLE shop.buyer ADD COLUMN since date;
CREATE INDEX purchase_buyer ON shop.purchase (buyer_id);
UPDATE shop.buyer SET since = '2026-01-01';
COMMIT;
