-- "$user" in the path, and SET ROLE.
-- setup
CREATE ROLE branch_a SUPERUSER; CREATE ROLE branch_b SUPERUSER;
CREATE SCHEMA branch_a; CREATE SCHEMA branch_b;
CREATE TABLE branch_a.till (id int); CREATE TABLE branch_b.till (id int); CREATE TABLE public.till (id int);
-- test
ALTER TABLE till ADD COLUMN a int;
SET ROLE branch_a;
ALTER TABLE till ADD COLUMN b int;
BEGIN;
SET LOCAL ROLE branch_b;
ALTER TABLE till ADD COLUMN c int;
COMMIT;
ALTER TABLE till ADD COLUMN d int;
RESET ROLE;
ALTER TABLE till ADD COLUMN e int;
SET SESSION AUTHORIZATION branch_b;
ALTER TABLE till ADD COLUMN f int;
RESET SESSION AUTHORIZATION;
DROP TABLE till;
