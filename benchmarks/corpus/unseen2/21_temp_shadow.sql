-- setup
-- temp tables that hide real ones: what does the statement really touch?
CREATE TABLE prices (sku text PRIMARY KEY, cents int NOT NULL);
CREATE TABLE price_log (sku text, cents int, at timestamptz DEFAULT now());
INSERT INTO prices SELECT 'S' || g, g * 10 FROM generate_series(1, 60) g;
-- test

CREATE TEMP TABLE prices (sku text, cents int, margin numeric);
INSERT INTO prices VALUES ('S1', 1, 0.2), ('S2', 2, 0.3);
-- hits the temp table
UPDATE prices SET margin = 0.5;
-- fails: the permanent table has no margin
UPDATE public.prices SET margin = 0.5;
ALTER TABLE prices ADD COLUMN note text;
DELETE FROM prices;
SELECT count(*) FROM public.prices;
-- fails: a permanent view/table cannot reference temp relations (foreign key)
ALTER TABLE price_log ADD FOREIGN KEY (sku) REFERENCES prices (sku);
-- silently becomes a temporary view
CREATE VIEW price_view AS SELECT * FROM prices;
-- fails: temp view depends on the column
ALTER TABLE prices DROP COLUMN margin;
DROP TABLE prices CASCADE;
-- and now the same words hit the permanent one
ALTER TABLE prices ADD COLUMN note text;
-- fails: no margin in the real table
ALTER TABLE prices DROP COLUMN margin;
BEGIN;
CREATE TEMP TABLE stage (sku text, cents int) ON COMMIT DROP;
INSERT INTO stage VALUES ('S1', 99), ('NEW', 5);
INSERT INTO prices (sku, cents) SELECT sku, cents FROM stage ON CONFLICT (sku) DO UPDATE SET cents = EXCLUDED.cents;
COMMIT;
-- fails: dropped at commit
SELECT * FROM stage;
CREATE TEMPORARY TABLE price_log ON COMMIT DELETE ROWS AS SELECT sku, cents FROM prices;
SELECT count(*) = 0 AS empty_already FROM price_log;
INSERT INTO public.price_log (sku, cents) SELECT sku, cents FROM prices;
TRUNCATE price_log;
DROP TABLE price_log;
TRUNCATE price_log;
-- fails: cannot create temporary relation in non-temporary schema
CREATE TEMP TABLE public.tmp_x (a int);
CREATE TABLE pg_temp.scratch AS SELECT * FROM prices WHERE cents > 500;
SET search_path = public, pg_temp;
CREATE TEMP TABLE prices AS SELECT 'ghost'::text AS sku, 1 AS cents;
-- public first now: real rows go
DELETE FROM prices WHERE cents < 300;
-- fails: exists already as temp (same temp schema)
CREATE TEMP TABLE scratch (a int);
DISCARD TEMP;
DROP TABLE IF EXISTS pg_temp.prices;
DROP TABLE prices;
