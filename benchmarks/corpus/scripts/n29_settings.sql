-- Settings set in odd places.
-- setup
CREATE SCHEMA x; CREATE TABLE x.t (id int, at timestamp); CREATE TABLE t (id int, at timestamp); INSERT INTO t VALUES (1, now()); INSERT INTO x.t VALUES (1, now());
-- test
SET LOCAL lock_timeout = '1s';
SET lock_timeout = '5s';
BEGIN; SET LOCAL timezone = 'Asia/Tokyo'; ALTER TABLE t ALTER at TYPE timestamptz; ROLLBACK;
ALTER TABLE t ALTER at TYPE timestamptz;
SET TIME ZONE 2;
ALTER TABLE x.t ALTER at TYPE timestamptz;
SET search_path = 'x, public';
ALTER TABLE t ADD COLUMN a int;
SET search_path = 'x', 'public';
ALTER TABLE t ADD COLUMN b int;
SET SESSION search_path TO x;
BEGIN; SET LOCAL search_path TO DEFAULT; ALTER TABLE t ADD COLUMN c int; COMMIT;
ALTER TABLE t ADD COLUMN d int;
SET no_such_setting = 1;
SET my.setting = 1;
RESET ALL;
DROP TABLE t;
