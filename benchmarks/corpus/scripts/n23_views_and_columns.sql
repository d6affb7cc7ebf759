-- SELECT * views and the columns that come and go below them.
-- setup
CREATE TABLE wide (a int, b int, c int); CREATE VIEW all_wide AS SELECT * FROM wide; CREATE VIEW one_wide AS SELECT a FROM wide WHERE b > 0;
-- test
ALTER TABLE wide ADD COLUMN d int;
ALTER TABLE wide DROP COLUMN d;
ALTER TABLE wide DROP COLUMN c;
CREATE OR REPLACE VIEW all_wide AS SELECT a, b FROM wide;
CREATE OR REPLACE VIEW all_wide AS SELECT a, b, c, 1 AS one FROM wide;
CREATE OR REPLACE VIEW all_wide AS SELECT a::text, b, c, 1 AS one FROM wide;
ALTER TABLE wide RENAME COLUMN a TO aa;
SELECT a FROM all_wide;
ALTER TABLE wide ALTER COLUMN aa TYPE bigint;
ALTER TABLE wide ALTER COLUMN b SET NOT NULL;
DROP VIEW all_wide;
ALTER TABLE wide DROP COLUMN c;
ALTER TABLE wide DROP COLUMN b;
DROP VIEW one_wide;
ALTER TABLE wide ALTER COLUMN aa TYPE bigint;
CREATE VIEW one_wide AS SELECT a FROM wide;
