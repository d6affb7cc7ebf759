-- Weaker locks after stronger ones, in one transaction and outside of one.
-- setup
CREATE TABLE w (id int PRIMARY KEY, v int); CREATE INDEX w_v ON w (v); INSERT INTO w SELECT g, g FROM generate_series(1, 10) g; CREATE TABLE z (w int REFERENCES w);
-- test
BEGIN;
SELECT * FROM w;
UPDATE w SET v = 1 WHERE id = 1;
CREATE INDEX w_v2 ON w (v);
ALTER TABLE w VALIDATE CONSTRAINT w_pkey;
ALTER TABLE z ADD COLUMN v int;
ALTER TABLE w ALTER COLUMN v SET STATISTICS 100;
ALTER TABLE w SET (fillfactor = 50);
DROP INDEX w_v;
INSERT INTO z (w) VALUES (1);
LOCK TABLE w IN SHARE MODE;
ANALYZE w;
COMMIT;
LOCK TABLE w;
REINDEX TABLE w;
CLUSTER w USING w_pkey;
