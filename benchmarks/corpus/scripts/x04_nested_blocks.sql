-- Blocks within blocks within savepoints.
-- setup
CREATE TABLE lev (id int); CREATE TABLE lev2 (id int);
-- test
BEGIN;
SAVEPOINT one;
DO $$ BEGIN
  ALTER TABLE lev ADD COLUMN a int;
  BEGIN
    ALTER TABLE lev2 ADD COLUMN a int;
    RAISE EXCEPTION 'undo the inner one';
  EXCEPTION WHEN raise_exception THEN
    NULL;
  END;
END $$;
ALTER TABLE lev2 ADD COLUMN a int;
ROLLBACK TO one;
ALTER TABLE lev ADD COLUMN a text;
RELEASE one;
SAVEPOINT two;
DROP TABLE lev2;
SAVEPOINT three;
ALTER TABLE lev DROP COLUMN a;
ROLLBACK TO two;
ALTER TABLE lev2 ADD COLUMN b int;
COMMIT;
ALTER TABLE lev DROP COLUMN a;
ALTER TABLE lev2 DROP COLUMN a;
