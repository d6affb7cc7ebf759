-- Statements that a query makes: not-null, index and grant for every log table.
-- setup
CREATE ROLE log_reader_x;
CREATE TABLE log_web (id int, at timestamp, msg text); CREATE TABLE log_db (id int, at timestamp, msg text); CREATE TABLE "log Mail" (id int, at timestamp, msg text);
INSERT INTO log_web SELECT g, now(), 'm' FROM generate_series(1, 30) g;
INSERT INTO log_db SELECT g, now(), NULL FROM generate_series(1, 30) g;
CREATE TABLE unrelated (id int);
-- test
SET TIME ZONE 'UTC';
SELECT format('ALTER TABLE %I ALTER COLUMN at TYPE timestamptz', tablename) FROM pg_tables WHERE schemaname = 'public' AND tablename LIKE 'log%' ORDER BY 1 \gexec
SELECT format('CREATE INDEX ON %I (at)', tablename), format('GRANT SELECT ON %I TO log_reader_x', tablename) FROM pg_tables WHERE tablename LIKE 'log%' ORDER BY tablename
\gexec
ALTER TABLE log_web ALTER COLUMN msg SET NOT NULL;
ALTER TABLE log_db ALTER COLUMN msg SET NOT NULL;
DELETE FROM log_db WHERE msg IS NULL;
ALTER TABLE log_db ALTER COLUMN msg SET NOT NULL;
CREATE VIEW log_all AS SELECT 'web' AS src, * FROM log_web UNION ALL SELECT 'db', * FROM log_db;
SELECT 'ALTER TABLE ' || quote_ident(relname) || ' DROP COLUMN id' FROM pg_class WHERE relname ~ '^log ' \gexec
ALTER TABLE log_web DROP COLUMN id;
DROP VIEW log_all;
ALTER TABLE log_web DROP COLUMN id;
SELECT count(*) FROM "log Mail" \g
INSERT INTO log_web (at, msg) VALUES (now(), 'a\b''c'), (now(), E'tab\there') \;
TRUNCATE "log Mail";
DROP TABLE "log Mail", unrelated;
