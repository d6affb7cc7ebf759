BEGIN;
SET LOCAL search_path = shop;
CREATE TABLE shop.buyer (id int PRIMARY KEY, name text);
CREATE TABLE shop.purchase (id int PRIMARY KEY, buyer_id int NOT NULL REFERENCES shop.buyer, total int);
INSERT INTO shop.buyer VALUES (1, 'first');
INSERT INTO shop.purchase SELECT id, 1, total FROM shop.old_order;
COMMIT;
