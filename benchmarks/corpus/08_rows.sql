-- Queries and writing statements: what is named, what lies behind it, what foreign keys, rules and triggers reach.
CREATE SCHEMA rows;
SET search_path = rows;
CREATE TABLE up (id int PRIMARY KEY, name text UNIQUE);
CREATE TABLE down (id serial PRIMARY KEY, up int REFERENCES up ON DELETE CASCADE ON UPDATE CASCADE, n int);
CREATE TABLE lower (id int PRIMARY KEY, down int REFERENCES down ON DELETE SET NULL);
CREATE TABLE strict (id int PRIMARY KEY, up int REFERENCES up);
CREATE TABLE alone (id int, txt text);
CREATE TABLE heir () INHERITS (alone);
CREATE VIEW peek AS SELECT up.id, up.name, down.n FROM up JOIN down ON down.up = up.id;
CREATE VIEW simple AS SELECT id, txt FROM alone;
INSERT INTO up SELECT g, 'u' || g FROM generate_series(1, 20) g;
INSERT INTO down (up, n) SELECT g, g FROM generate_series(1, 20) g;
INSERT INTO lower SELECT g, g FROM generate_series(1, 20) g;
INSERT INTO strict SELECT g, g FROM generate_series(11, 20) g;
INSERT INTO alone VALUES (1, 'a'), (2, 'b');
SELECT * FROM up;
SELECT * FROM peek;
SELECT * FROM up, down WHERE down.up = up.id AND EXISTS (SELECT FROM strict s WHERE s.up = up.id);
SELECT * FROM up FOR UPDATE;
SELECT * FROM up JOIN down ON true FOR SHARE OF down;
SELECT * FROM simple FOR UPDATE;
SELECT * FROM (SELECT * FROM up FOR UPDATE) x, alone;
WITH c AS (SELECT * FROM alone) SELECT * FROM c, up;
WITH gone AS (DELETE FROM alone WHERE id = 2 RETURNING *) INSERT INTO heir SELECT * FROM gone;
TABLE alone;
VALUES (1);
INSERT INTO strict VALUES (100, NULL);
INSERT INTO down (up, n) VALUES (3, 5) ON CONFLICT (id) DO UPDATE SET n = EXCLUDED.n;
INSERT INTO up VALUES (1, 'x') ON CONFLICT DO NOTHING;
INSERT INTO alone SELECT id, name FROM up WHERE id < 3 RETURNING *;
UPDATE up SET name = 'z' WHERE id = 3;
UPDATE up SET id = 300 WHERE id = 3;
UPDATE down SET n = 1 FROM strict WHERE strict.up = down.up;
UPDATE alone SET txt = 'q';
UPDATE ONLY alone SET txt = 'r';
DELETE FROM up WHERE id = 300;
DELETE FROM down USING strict WHERE strict.id = down.id AND down.id = 11;
DELETE FROM lower;
DELETE FROM alone;
INSERT INTO simple VALUES (8, 'view');
UPDATE simple SET txt = 'v2';
DELETE FROM simple;
MERGE INTO alone USING up ON up.id = alone.id WHEN MATCHED THEN UPDATE SET txt = up.name WHEN NOT MATCHED THEN INSERT VALUES (up.id, up.name);
COPY alone TO STDOUT;
COPY (SELECT * FROM up JOIN strict ON strict.up = up.id) TO STDOUT;
COPY alone FROM STDIN;
5	five
6	six
\.
EXPLAIN SELECT * FROM peek;
EXPLAIN DELETE FROM down;
EXPLAIN ANALYZE UPDATE alone SET txt = 'e';
PREPARE one (int) AS SELECT * FROM up WHERE id = $1;
EXECUTE one (1);
PREPARE two AS DELETE FROM lower WHERE id = 5;
EXECUTE two;
EXPLAIN EXECUTE two;
DEALLOCATE ALL;
BEGIN;
DECLARE cur CURSOR FOR SELECT * FROM strict;
FETCH 2 FROM cur;
MOVE cur;
CLOSE cur;
LOCK TABLE up;
LOCK TABLE down IN ROW EXCLUSIVE MODE;
LOCK peek IN SHARE MODE;
LOCK ONLY alone IN EXCLUSIVE MODE;
LOCK alone, strict IN SHARE UPDATE EXCLUSIVE MODE;
COMMIT;
SELECT id, name AS label FROM up WHERE id = 5 \gset picked_
SELECT :picked_id, :'picked_label' FROM alone;
SELECT 'ALTER TABLE rows.alone ADD COLUMN ' || c || ' int' FROM (VALUES ('g1'), ('g2')) x(c) \gexec
\if :{?picked_id}
ALTER TABLE alone DROP COLUMN g1;
\else
ALTER TABLE alone DROP COLUMN id;
\endif
TRUNCATE alone;
TRUNCATE ONLY alone;
TRUNCATE lower, strict;
TRUNCATE up;
TRUNCATE up CASCADE;
TRUNCATE down RESTART IDENTITY CASCADE;
SELECT pg_advisory_xact_lock(1);
NOTIFY something;
SET LOCAL work_mem = '8MB';
SHOW work_mem;
ANALYZE up;
ANALYZE alone (id), down;
VACUUM alone;
CHECKPOINT;
DROP SCHEMA rows CASCADE;
