-- Statements on the server's own tables, and on a user's of the same name.
-- setup
CREATE TABLE public.pg_class (id int); CREATE TABLE mine (id int); CREATE TABLE pg_stuff (id int);
-- test
SELECT count(*) FROM pg_class;
SELECT count(*) FROM public.pg_class;
ALTER TABLE public.pg_class ADD COLUMN x int;
COMMENT ON TABLE public.pg_class IS 'ours';
SELECT relname FROM pg_class WHERE relname = 'mine' FOR UPDATE;
ALTER TABLE pg_stuff ADD COLUMN x int;
DROP TABLE pg_class;
ANALYZE pg_class;
SET search_path = public, pg_catalog;
ALTER TABLE pg_class ADD COLUMN y int;
DROP TABLE pg_class;
SELECT count(*) FROM pg_class;
ANALYZE pg_catalog.pg_class;
