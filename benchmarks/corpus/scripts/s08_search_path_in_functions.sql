-- Functions with a path of their own that call others without one.
-- setup
CREATE SCHEMA inner_s; CREATE TABLE inner_s.w (id int); CREATE TABLE public.w (id int); CREATE TABLE public.v (id int);
CREATE FUNCTION low() RETURNS void LANGUAGE plpgsql AS $$ BEGIN LOCK TABLE w IN SHARE MODE; END $$;
CREATE FUNCTION high() RETURNS void LANGUAGE plpgsql SET search_path = inner_s, public AS $$ BEGIN PERFORM low(); END $$;
CREATE FUNCTION as_sql() RETURNS void LANGUAGE sql SET search_path TO inner_s AS $$ LOCK TABLE w IN EXCLUSIVE MODE; $$;
-- test
SELECT low();
SELECT high();
SELECT as_sql();
ALTER FUNCTION low() SET search_path = inner_s;
SELECT low();
ALTER FUNCTION low() RESET search_path;
BEGIN;
SELECT high(), low();
COMMIT;
ALTER FUNCTION high() RESET ALL;
SELECT high();
ALTER TABLE w ADD COLUMN k int;
CREATE TRIGGER w_low BEFORE INSERT ON v FOR EACH STATEMENT EXECUTE FUNCTION low();
