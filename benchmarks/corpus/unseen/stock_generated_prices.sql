-- A wholesaler: generated columns in place of trigger columns, price lists merged, a stored copy turned into a view.
-- setup
CREATE TABLE article (id int PRIMARY KEY, buy numeric(10,2) NOT NULL, margin_pct int NOT NULL DEFAULT 30, sell numeric(10,2), weight int, unit text); CREATE TABLE price_list (id int PRIMARY KEY, name text); CREATE TABLE list_price (list_id int REFERENCES price_list, article_id int REFERENCES article, price numeric(10,2), PRIMARY KEY (list_id, article_id)); CREATE TABLE stock_copy (article_id int PRIMARY KEY, buy numeric, n int);
CREATE FUNCTION set_sell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.sell := NEW.buy * (100 + NEW.margin_pct) / 100; RETURN NEW; END $$; CREATE TRIGGER set_sell BEFORE INSERT OR UPDATE ON article FOR EACH ROW EXECUTE FUNCTION set_sell();
INSERT INTO article SELECT g, g, 20 + g % 10, NULL, g * 10, CASE WHEN g % 2 = 0 THEN 'kg' ELSE 'pc' END FROM generate_series(1, 40) g; INSERT INTO price_list VALUES (1, 'retail'), (2, 'retail old'), (3, 'b2b'); INSERT INTO list_price SELECT l, a, a * 2 FROM generate_series(1, 3) l, generate_series(1, 40) a WHERE l = 1 AND a % 2 = 0 OR l = 2 OR l = 3 AND a < 5; INSERT INTO stock_copy SELECT g, g, g FROM generate_series(1, 40) g;
-- test
BEGIN;
ALTER TABLE article DROP COLUMN sell, ADD COLUMN sell numeric(10,2) GENERATED ALWAYS AS (buy * (100 + margin_pct) / 100) STORED;
DROP TRIGGER set_sell ON article;
DROP FUNCTION set_sell();
COMMIT;
UPDATE article SET margin_pct = margin_pct + 5 WHERE unit = 'kg';
ALTER TABLE article ALTER COLUMN sell SET DEFAULT 0;
ALTER TABLE article ADD COLUMN total numeric GENERATED ALWAYS AS (sell * 1.19) STORED;
ALTER TABLE article ALTER COLUMN margin_pct SET DEFAULT 35;
ALTER TABLE article ADD CONSTRAINT sell_more CHECK (sell > buy);
CREATE INDEX article_sell ON article (sell) INCLUDE (buy);
INSERT INTO list_price SELECT 1, article_id, price FROM list_price WHERE list_id = 2;
INSERT INTO list_price SELECT 1, article_id, price FROM list_price WHERE list_id = 2 ON CONFLICT (list_id, article_id) DO UPDATE SET price = least(list_price.price, excluded.price);
DELETE FROM price_list WHERE id = 2;
DELETE FROM list_price WHERE list_id = 2;
DELETE FROM price_list WHERE id = 2;
MERGE INTO list_price p USING (SELECT id, sell FROM article) a ON p.article_id = a.id AND p.list_id = 3
WHEN MATCHED AND p.price < a.sell THEN UPDATE SET price = a.sell
WHEN NOT MATCHED THEN INSERT VALUES (3, a.id, a.sell);
ALTER TABLE list_price ALTER COLUMN price SET NOT NULL;
ALTER TABLE list_price ADD COLUMN valid daterange NOT NULL DEFAULT daterange('2025-01-01', NULL);
ALTER TABLE list_price DROP CONSTRAINT list_price_pkey, ADD PRIMARY KEY (list_id, article_id, valid);
ALTER TABLE article ALTER COLUMN sell DROP EXPRESSION;
UPDATE article SET sell = round(sell, 1);
ALTER TABLE article ALTER COLUMN sell DROP EXPRESSION IF EXISTS, ALTER COLUMN sell SET NOT NULL;
ALTER TABLE article DROP COLUMN margin_pct;
BEGIN;
DROP TABLE stock_copy;
CREATE VIEW stock_copy AS SELECT id AS article_id, buy, weight AS n FROM article;
ALTER TABLE stock_copy ALTER COLUMN n SET DEFAULT 0;
ALTER TABLE stock_copy RENAME COLUMN n TO amount;
UPDATE stock_copy SET amount = 5 WHERE article_id = 3;
DELETE FROM stock_copy WHERE article_id > 39;
ROLLBACK;
DELETE FROM stock_copy WHERE article_id > 39;
ALTER TABLE article ALTER COLUMN unit TYPE char(2), ALTER COLUMN weight TYPE numeric(8,3) USING weight / 1000.0;
DROP TABLE article CASCADE;
