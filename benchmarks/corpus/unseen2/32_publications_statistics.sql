-- setup

-- test
SET client_min_messages = error;
CREATE TABLE pub_a (id int PRIMARY KEY, region text, amount numeric);
CREATE TABLE pub_b (x int, y int);
CREATE SCHEMA feed;
CREATE TABLE feed.tick (at timestamptz, px numeric);
INSERT INTO pub_a SELECT g, (ARRAY['n','s'])[1 + g % 2], g FROM generate_series(1, 100) g;
INSERT INTO pub_b SELECT g, g % 5 FROM generate_series(1, 100) g;
INSERT INTO feed.tick SELECT now(), g FROM generate_series(1, 10) g;
CREATE PUBLICATION p_all_b FOR TABLE pub_b;
CREATE PUBLICATION p_a FOR TABLE pub_a (id, amount) WHERE (id > 10) WITH (publish = 'insert, update');
CREATE PUBLICATION p_feed FOR TABLES IN SCHEMA feed;
INSERT INTO pub_b VALUES (1000, 1);
-- fails: no replica identity and publishes updates
UPDATE pub_b SET y = 0 WHERE x = 1;
-- fails: the same for deletes
DELETE FROM pub_b WHERE x > 50;
ALTER TABLE pub_b REPLICA IDENTITY FULL;
UPDATE pub_b SET y = 0 WHERE x = 1;
-- fails: no such index
ALTER TABLE pub_a REPLICA IDENTITY USING INDEX pub_a_region_idx;
ALTER PUBLICATION p_all_b ADD TABLE pub_a;
-- fails: already member
ALTER PUBLICATION p_all_b ADD TABLE pub_a;
-- fails: publication p_a names the column
ALTER TABLE pub_a DROP COLUMN amount;
-- fails: a system view cannot be published
CREATE PUBLICATION p_v FOR TABLE pg_catalog.pg_tables;
ALTER PUBLICATION p_a SET TABLE pub_a;
ALTER TABLE pub_a DROP COLUMN amount;
CREATE STATISTICS st_b (dependencies, ndistinct) ON x, y FROM pub_b;
-- fails: at least two columns
CREATE STATISTICS st_b1 ON x FROM pub_b;
ALTER STATISTICS st_b SET STATISTICS 500;
ANALYZE pub_b;
ALTER TABLE pub_b ALTER COLUMN y TYPE bigint;
CREATE COLLATION plain (provider = libc, locale = 'C');
ALTER TABLE pub_a ALTER COLUMN region TYPE text COLLATE plain;
CREATE INDEX pub_a_region_c ON pub_a (region COLLATE "C");
-- fails: column uses the collation
DROP COLLATION plain;
ALTER COLLATION plain RENAME TO plain_c;
ALTER STATISTICS st_b RENAME TO st_b_xy;
ALTER TABLE pub_b DROP COLUMN y;
-- fails: went with the column
DROP STATISTICS st_b_xy;
DROP SCHEMA feed CASCADE;
DROP PUBLICATION p_a, p_all_b, p_feed;
DROP COLLATION plain_c CASCADE;
