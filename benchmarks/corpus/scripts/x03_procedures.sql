-- Procedures, some of which commit.
-- setup
CREATE TABLE work (id int PRIMARY KEY, done boolean); CREATE TABLE trail (id int);
INSERT INTO work SELECT g, false FROM generate_series(1, 10) g;
CREATE PROCEDURE finish(n int) LANGUAGE plpgsql AS $$ BEGIN UPDATE work SET done = true WHERE id = n; INSERT INTO trail VALUES (n); END $$;
CREATE PROCEDURE in_parts() LANGUAGE plpgsql AS $$ BEGIN UPDATE work SET done = true; COMMIT; ALTER TABLE trail ADD COLUMN IF NOT EXISTS at date; END $$;
CREATE PROCEDURE strong() LANGUAGE sql AS $$ LOCK TABLE trail; TRUNCATE trail; $$;
-- test
CALL finish(1);
BEGIN;
CALL finish(2);
CALL in_parts();
ROLLBACK;
CALL in_parts();
CALL strong();
CALL nothing();
DROP PROCEDURE finish(int);
CALL finish(3);
DO $$ BEGIN CALL strong(); END $$;
CREATE OR REPLACE PROCEDURE strong() LANGUAGE plpgsql AS $$ BEGIN DROP TABLE trail; END $$;
CALL strong();
CALL strong();
DROP ROUTINE in_parts, strong;
