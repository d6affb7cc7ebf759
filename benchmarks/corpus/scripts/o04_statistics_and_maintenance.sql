-- Extended statistics, ANALYZE, VACUUM, CLUSTER, REINDEX in a deployment.
-- setup
CREATE TABLE place (id int PRIMARY KEY, zip text, town text, x int);
CREATE INDEX place_zip ON place (zip);
INSERT INTO place SELECT g, g::text, 't', g FROM generate_series(1, 50) g;
-- test
CREATE STATISTICS place_zt (dependencies) ON zip, town FROM place;
ALTER STATISTICS place_zt SET STATISTICS 500;
ANALYZE place;
ANALYZE place (zip);
ALTER STATISTICS place_zt RENAME TO place_stat;
DROP STATISTICS place_zt;
ALTER TABLE place DROP COLUMN town;
DROP STATISTICS IF EXISTS place_stat;
VACUUM place;
BEGIN; VACUUM place; ROLLBACK;
VACUUM (FULL, ANALYZE) place;
CLUSTER place USING place_zip;
CLUSTER place USING nothing;
REINDEX INDEX place_zip;
VACUUM nothing;
