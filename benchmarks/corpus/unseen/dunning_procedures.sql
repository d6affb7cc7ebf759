-- A subscription service: settings rows drive dynamic DDL, procedures call each other, results decide the next step.
-- setup
CREATE SCHEMA ops; CREATE TABLE ops.step (no int PRIMARY KEY, cmd text, done timestamptz); CREATE TABLE public.account (id int PRIMARY KEY, balance numeric, level text); CREATE TABLE public.dunning (account_id int REFERENCES account, day date); CREATE TABLE public.obsolete_a (x int); CREATE TABLE public.obsolete_b (x int); INSERT INTO public.obsolete_b VALUES (1);
INSERT INTO account SELECT g, 50 - g, 'basic' FROM generate_series(1, 100) g; INSERT INTO dunning SELECT g, current_date FROM generate_series(60, 80) g;
INSERT INTO ops.step (no, cmd) VALUES (1, 'ALTER TABLE account ADD COLUMN blocked boolean NOT NULL DEFAULT false'), (2, 'CREATE INDEX account_negative ON account (balance) WHERE balance < 0'), (3, 'ALTER TABLE account ALTER COLUMN balance TYPE numeric(12,2)');
-- test
CREATE PROCEDURE ops.run_step(p int) LANGUAGE plpgsql AS $$
DECLARE c text;
BEGIN
  SELECT cmd INTO STRICT c FROM ops.step WHERE no = p AND done IS NULL;
  EXECUTE c;
  UPDATE ops.step SET done = now() WHERE no = p;
END $$;
CREATE PROCEDURE ops.run_all() LANGUAGE plpgsql AS $$
DECLARE r record;
BEGIN
  FOR r IN SELECT no FROM ops.step WHERE done IS NULL ORDER BY no LOOP
    CALL ops.run_step(r.no);
  END LOOP;
END $$;
CALL ops.run_step(1);
CALL ops.run_step(1);
CALL ops.run_all();
CALL ops.run_all();
UPDATE account SET blocked = true WHERE balance < -20;
CREATE FUNCTION ops.drop_if_empty(t regclass) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE n bigint;
BEGIN
  EXECUTE 'SELECT count(*) FROM ' || t INTO n;
  IF n > 0 THEN RETURN false; END IF;
  EXECUTE 'DROP TABLE ' || t;
  RETURN true;
END $$;
SELECT ops.drop_if_empty('obsolete_a');
SELECT ops.drop_if_empty('public.obsolete_b');
SELECT ops.drop_if_empty('obsolete_c');
SELECT ops.drop_if_empty('obsolete_b') AS gone \gset
\if :gone
\else
DELETE FROM obsolete_b;
DROP TABLE obsolete_b;
\endif
CREATE FUNCTION ops.set_level(lvl text, VARIADIC ids int[] DEFAULT '{}') RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE n bigint;
BEGIN
  UPDATE account SET level = lvl WHERE id = ANY (ids);
  GET DIAGNOSTICS n = ROW_COUNT;
  IF n <> cardinality(ids) THEN RAISE EXCEPTION 'only % of % found', n, cardinality(ids); END IF;
  RETURN n;
END $$;
SELECT ops.set_level('gold', 1, 2, 3);
SELECT ops.set_level('gold', 1, 2, 3000);
DO $$
BEGIN
  IF EXISTS (SELECT FROM account WHERE level = 'gold') THEN
    ALTER TABLE account ADD CONSTRAINT level_known CHECK (level IN ('basic', 'gold'));
  ELSE
    ALTER TABLE account DROP COLUMN level;
  END IF;
  CASE (SELECT count(*) FROM dunning WHERE account_id > 75)
    WHEN 0 THEN TRUNCATE dunning;
    WHEN 5 THEN DELETE FROM dunning WHERE account_id > 75;
    ELSE RAISE EXCEPTION 'odd';
  END CASE;
END $$;
INSERT INTO ops.step (no, cmd) VALUES (4, 'ALTER TABLE account DROP COLUMN level'), (5, 'TRUNCATE account');
CALL ops.run_all();
CALL ops.run_step(4);
UPDATE ops.step SET cmd = 'TRUNCATE dunning, account' WHERE no = 5;
CALL ops.run_step(no => 5);
CALL ops.run_step(p => 5);
DROP SCHEMA ops CASCADE;
