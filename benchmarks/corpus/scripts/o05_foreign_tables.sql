-- Foreign tables and servers.
-- setup
CREATE EXTENSION file_fdw;
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE words (word text) SERVER files OPTIONS (filename '/dev/null');
CREATE TABLE p (id int, w text) PARTITION BY LIST (id);
-- test
ALTER FOREIGN TABLE words ADD COLUMN n int;
ALTER FOREIGN TABLE words ALTER COLUMN n TYPE bigint;
ALTER FOREIGN TABLE words OPTIONS (SET filename '/dev/null', ADD format 'csv');
ALTER TABLE words ADD CHECK (n > 0);
CREATE VIEW longest AS SELECT max(length(word)) AS l FROM words;
TRUNCATE words;
ALTER FOREIGN TABLE words DROP COLUMN word;
CREATE FOREIGN TABLE p1 PARTITION OF p FOR VALUES IN (1) SERVER files OPTIONS (filename '/dev/null');
CREATE INDEX ON p (id);
ALTER FOREIGN TABLE words RENAME TO lexemes;
DROP SERVER files;
DROP SERVER files CASCADE;
ALTER TABLE p ADD COLUMN z int;
DROP EXTENSION file_fdw;
