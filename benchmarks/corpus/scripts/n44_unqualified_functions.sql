-- Functions of the same name in two schemas and with the server's names.
-- setup
CREATE SCHEMA u; CREATE TABLE tt (id int); CREATE TABLE t2 (id int);
CREATE FUNCTION u.go() RETURNS void LANGUAGE plpgsql AS $$ BEGIN LOCK TABLE tt IN SHARE MODE; END $$;
CREATE FUNCTION public.go() RETURNS void LANGUAGE plpgsql AS $$ BEGIN LOCK TABLE t2 IN EXCLUSIVE MODE; END $$;
CREATE FUNCTION public.go(int) RETURNS void LANGUAGE plpgsql AS $$ BEGIN LOCK TABLE t2 IN SHARE ROW EXCLUSIVE MODE; END $$;
-- test
SELECT u.go();
SELECT public.go();
SELECT go(1);
SELECT go(1, 2);
SET search_path = u, public;
SELECT go();
SELECT go(5);
DROP FUNCTION go();
SELECT go();
DROP FUNCTION u.go();
DROP FUNCTION go;
DROP FUNCTION public.go(int), public.go();
SELECT go();
