-- setup
-- explicit locks and emptying tables
CREATE TABLE parent (id int PRIMARY KEY, v text);
CREATE TABLE child (id serial PRIMARY KEY, parent_id int REFERENCES parent, v text);
CREATE TABLE grandchild (id int, child_id int REFERENCES child ON DELETE CASCADE);
CREATE TABLE loner (a int, b text);
CREATE VIEW pv AS SELECT p.id, c.v FROM parent p JOIN child c ON c.parent_id = p.id;
INSERT INTO parent SELECT g, 'p' FROM generate_series(1, 30) g;
INSERT INTO child (parent_id, v) SELECT g, 'c' FROM generate_series(1, 30) g;
INSERT INTO grandchild SELECT g, g FROM generate_series(1, 30) g;
INSERT INTO loner SELECT g, 'l' FROM generate_series(1, 30) g;
-- test

-- fails: LOCK TABLE can only be used in transaction blocks
LOCK TABLE parent;
BEGIN;
LOCK TABLE parent, child IN SHARE MODE;
UPDATE parent SET v = 'locked' WHERE id = 1;
COMMIT;
BEGIN;
-- locks the view's base tables too
LOCK pv IN ACCESS EXCLUSIVE MODE NOWAIT;
LOCK TABLE ONLY loner IN ROW SHARE MODE;
COMMIT;
BEGIN;
-- fails: cannot lock a sequence
LOCK TABLE child_id_seq;
ROLLBACK;
-- fails: referenced by child
TRUNCATE parent;
-- fails: grandchild references child
TRUNCATE parent, child;
BEGIN;
TRUNCATE parent, child, grandchild RESTART IDENTITY;
ROLLBACK;
BEGIN;
SELECT * FROM parent WHERE id = 2 FOR NO KEY UPDATE;
SELECT v FROM child WHERE id = 2 FOR KEY SHARE NOWAIT;
SELECT pg_advisory_xact_lock(42);
END;
-- fails: FOR UPDATE is not allowed with GROUP BY
SELECT v, count(*) FROM child GROUP BY v FOR UPDATE;
-- fails: it is a view
TRUNCATE pv;
-- fails: update or delete violates foreign key
DELETE FROM parent WHERE id < 5;
DELETE FROM child WHERE id < 5;
SELECT count(*) AS left_over FROM grandchild;
DELETE FROM loner;
-- fails: loner2 does not exist, so nothing is dropped
DROP TABLE loner, loner2;
DROP TABLE IF EXISTS loner, loner2;
-- fails: pv and constraints depend on it
DROP TABLE child;
ALTER TABLE child DROP CONSTRAINT child_parent_id_fkey;
TRUNCATE parent;
TRUNCATE child CASCADE;
-- fails: primary key is used by grandchild's foreign key
ALTER TABLE child DROP CONSTRAINT child_pkey;
ALTER TABLE child DROP CONSTRAINT child_pkey CASCADE;
DROP TABLE parent, child, grandchild CASCADE;
