-- What a DBA types at the end of a long day.
-- setup
CREATE TABLE prod (id int PRIMARY KEY, v text); CREATE TABLE prod_old (id int); INSERT INTO prod SELECT g, 'v' FROM generate_series(1, 20) g; CREATE INDEX prod_v ON prod (v);
-- test
\timing on
\pset pager off
\echo starting
\d prod
SELECT count(*) FROM prod;
DROP TABLE prod_old;
CREATE TABLE prod_old AS TABLE prod;
REINDEX INDEX prod_v;
CLUSTER prod USING prod_v;
VACUUM FULL prod;
ANALYZE;
UPDATE prod SET v = v;
GRANT SELECT ON prod TO PUBLIC;
ALTER TABLE prod OWNER TO CURRENT_USER;
\echo done
