-- What a script runs as, changed on its way.
-- setup
CREATE ROLE helper; CREATE TABLE mine (id int); CREATE SCHEMA helper AUTHORIZATION helper; CREATE TABLE helper.mine (id int); ALTER TABLE helper.mine OWNER TO helper;
-- test
ALTER TABLE mine ADD COLUMN a int;
SET ROLE helper;
ALTER TABLE mine ADD COLUMN b int;
CREATE TABLE mine2 (id int);
RESET ROLE;
ALTER TABLE helper.mine2 ADD COLUMN x int;
ALTER TABLE mine OWNER TO helper;
SET ROLE nobody_at_all;
ALTER TABLE public.mine ADD COLUMN c int;
GRANT helper TO CURRENT_USER;
ALTER ROLE helper RENAME TO helpers;
DROP ROLE helper;
DROP ROLE IF EXISTS helper;
SET ROLE helpers;
ALTER TABLE mine ADD COLUMN d int;
RESET ROLE;
DROP SCHEMA helper CASCADE;
