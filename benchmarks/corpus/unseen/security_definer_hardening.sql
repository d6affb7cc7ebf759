-- After an audit: functions get a fixed search_path, owners and rights are pulled tight.
-- setup
CREATE SCHEMA api; CREATE SCHEMA priv; CREATE ROLE api_caller_q;
CREATE TABLE priv.secret (id int PRIMARY KEY, token text, used int NOT NULL DEFAULT 0); INSERT INTO priv.secret SELECT g, md5(g::text) FROM generate_series(1, 20) g;
CREATE TABLE public.secret (id int, token text); INSERT INTO public.secret VALUES (1, 'decoy');
CREATE FUNCTION api.use_token(p int) RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS $$ DECLARE t text; BEGIN UPDATE secret SET token = token WHERE id = p RETURNING token INTO t; RETURN t; END $$;
CREATE FUNCTION api.purge() RETURNS void LANGUAGE sql SECURITY DEFINER AS $$ DELETE FROM public.secret $$;
GRANT USAGE ON SCHEMA api TO api_caller_q;
-- test
ALTER FUNCTION api.use_token(int) SET search_path = priv, pg_temp;
SELECT api.use_token(3);
SET search_path TO public;
SELECT api.use_token(1);
CREATE OR REPLACE FUNCTION api.use_token(p int) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = priv, pg_temp SET lock_timeout = '1s' AS $$
DECLARE t text;
BEGIN
  UPDATE secret SET used = used + 1 WHERE id = p RETURNING token INTO t;
  IF NOT FOUND THEN RAISE EXCEPTION 'no token %', p; END IF;
  RETURN t;
END $$;
SELECT api.use_token(1);
SELECT api.use_token(1000);
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA api FROM PUBLIC;
GRANT EXECUTE ON FUNCTION api.use_token TO api_caller_q;
SET ROLE api_caller_q;
SELECT api.use_token(2);
SELECT api.purge();
SELECT * FROM priv.secret;
RESET ROLE;
CREATE FUNCTION api.rotate(VARIADIC ids int[]) RETURNS SETOF int LANGUAGE sql SECURITY DEFINER SET search_path TO priv AS $$ UPDATE secret SET token = md5(random()::text) WHERE id = ANY (ids) RETURNING id $$;
SELECT * FROM api.rotate(1, 2, 3);
ALTER FUNCTION api.purge() SECURITY INVOKER STRICT PARALLEL SAFE;
ALTER FUNCTION api.purge() RENAME TO purge_all;
SELECT api.purge();
SELECT api.purge_all();
CREATE OR REPLACE FUNCTION api.use_token(p int) RETURNS int LANGUAGE sql AS 'SELECT 1';
DROP FUNCTION api.use_token(int), api.rotate;
CREATE PROCEDURE api.grow(IN n int DEFAULT 2) LANGUAGE plpgsql AS $$ BEGIN FOR i IN 1..n LOOP EXECUTE format('ALTER TABLE priv.secret ADD COLUMN extra_%s int', i); COMMIT; END LOOP; END $$;
CALL api.grow();
CALL api.grow(3);
CALL api.grow(n => 1);
ALTER PROCEDURE api.grow SET search_path = priv;
CALL api.grow(4);
ALTER TABLE priv.secret DROP COLUMN token;
DROP SCHEMA priv CASCADE;
ALTER ROUTINE api.grow SET SCHEMA public;
DROP SCHEMA api CASCADE;
