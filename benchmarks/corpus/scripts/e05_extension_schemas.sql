-- An extension's objects used by hand, with its schema on and off the path.
-- setup
CREATE SCHEMA exts; CREATE EXTENSION citext SCHEMA exts; CREATE TABLE mailbox (id int, addr exts.citext); INSERT INTO mailbox VALUES (1, 'A');
-- test
ALTER TABLE mailbox ADD COLUMN other citext;
SET search_path = public, exts;
ALTER TABLE mailbox ADD COLUMN other citext;
ALTER TABLE mailbox ALTER COLUMN addr TYPE text;
ALTER TABLE mailbox ALTER COLUMN addr TYPE citext;
CREATE INDEX ON mailbox (addr);
DROP SCHEMA exts;
DROP EXTENSION citext;
ALTER EXTENSION citext SET SCHEMA public;
ALTER TABLE mailbox ADD COLUMN third public.citext;
DROP EXTENSION citext CASCADE;
SELECT addr FROM mailbox;
DROP SCHEMA exts;
