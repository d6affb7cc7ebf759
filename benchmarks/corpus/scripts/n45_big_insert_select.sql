-- Moves of rows between tables, with deletes behind them.
-- setup
CREATE TABLE act (id int PRIMARY KEY, at date); CREATE TABLE arc (LIKE act INCLUDING ALL); INSERT INTO act SELECT g, '2020-01-01'::date + g FROM generate_series(1, 100) g;
CREATE TABLE ref (act int REFERENCES act ON DELETE SET NULL); INSERT INTO ref VALUES (1);
-- test
BEGIN;
INSERT INTO arc SELECT * FROM act WHERE at < '2020-02-01';
DELETE FROM act WHERE at < '2020-02-01';
COMMIT;
WITH moved AS (DELETE FROM act WHERE at < '2020-03-01' RETURNING *) INSERT INTO arc SELECT * FROM moved;
INSERT INTO act TABLE arc;
TRUNCATE act;
DELETE FROM ref;
TRUNCATE act CASCADE;
INSERT INTO act (id) SELECT id FROM arc ORDER BY at LIMIT 5;
UPDATE act SET at = arc.at FROM arc WHERE arc.id = act.id;
DELETE FROM arc WHERE id IN (SELECT id FROM act);
ALTER TABLE act SET (autovacuum_enabled = on);
ANALYZE act;
