-- The connection's options set the path, and RESET goes back to it.
-- setup
-- options: -c search_path=tenant,public
CREATE SCHEMA tenant;
CREATE TABLE tenant.account (id int);
CREATE TABLE public.account (id int);
-- test
ALTER TABLE account ADD COLUMN a int;
SET search_path = public;
ALTER TABLE account ADD COLUMN b int;
RESET search_path;
DROP TABLE account;
ALTER TABLE account ADD COLUMN c int;
