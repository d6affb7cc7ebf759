-- setup

-- test
/* one-off: add bookkeeping columns to every tenant table; idempotent */
BEGIN;
CREATE SCHEMA IF NOT EXISTS t_north;
CREATE SCHEMA IF NOT EXISTS t_south;
DO $$
DECLARE s text;
BEGIN
  FOREACH s IN ARRAY ARRAY['t_north', 't_south'] LOOP
    EXECUTE format('CREATE TABLE %I.client (id int PRIMARY KEY, name text, since date)', s);
    EXECUTE format('CREATE TABLE %I.visit (client_id int REFERENCES %I.client, at date, fee numeric)', s, s);
    EXECUTE format('INSERT INTO %I.client SELECT g, %L || g, date ''2020-01-01'' + g FROM generate_series(1, 20) g', s, s || '-');
    EXECUTE format('INSERT INTO %I.visit SELECT g, current_date, g * 10 FROM generate_series(1, 20) g', s);
  END LOOP;
END $$;
COMMIT;
DO $$
DECLARE r record;
BEGIN
  FOR r IN SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
           WHERE n.nspname LIKE 't\_%' AND c.relkind = 'r' ORDER BY 1, 2
  LOOP
    EXECUTE format('ALTER TABLE %I.%I ADD COLUMN IF NOT EXISTS created_at timestamptz NOT NULL DEFAULT now()', r.nspname, r.relname);
  END LOOP;
END $$;
DO $do$ BEGIN EXECUTE 'CREATE TYPE fee_kind AS ENUM (''std'', ''promo'')'; EXCEPTION WHEN duplicate_object THEN NULL; END $do$;
DO $do$ BEGIN EXECUTE 'CREATE TYPE fee_kind AS ENUM (''std'', ''promo'')'; EXCEPTION WHEN duplicate_object THEN NULL; END $do$;
DO $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM information_schema.columns WHERE table_schema = 't_north' AND table_name = 'visit' AND column_name = 'kind') THEN
    ALTER TABLE t_north.visit ADD COLUMN kind fee_kind DEFAULT 'std';
    ALTER TABLE t_south.visit ADD COLUMN kind fee_kind DEFAULT 'std';
  END IF;
END $$;
-- a volatile default: rewrites
DO $$ BEGIN ALTER TABLE t_north.client ADD COLUMN ref uuid DEFAULT gen_random_uuid(); END $$;
-- nothing happens here
DO $$ BEGIN IF current_setting('server_version_num')::int < 90000 THEN DROP TABLE t_north.client CASCADE; END IF; END $$;
DO $$
DECLARE v_sql text;
BEGIN
  SELECT string_agg(format('SELECT %L AS tenant, id, name FROM %I.client', nspname, nspname), ' UNION ALL ' ORDER BY nspname)
    INTO v_sql FROM pg_namespace WHERE nspname LIKE 't\_%';
  EXECUTE 'CREATE VIEW all_clients AS ' || v_sql;
END $$;
SELECT count(*) FROM all_clients;
DO $$ DECLARE n int; BEGIN UPDATE t_south.visit SET fee = fee * 1.1 WHERE fee > 100; GET DIAGNOSTICS n = ROW_COUNT; IF n > 1000 THEN RAISE EXCEPTION 'too many: %', n; END IF; END $$;
DO LANGUAGE plpgsql 'BEGIN PERFORM 1 FROM t_north.client FOR SHARE; END';
DO $$
BEGIN
  BEGIN
    ALTER TABLE t_north.client ALTER COLUMN name TYPE varchar(3);
  EXCEPTION WHEN string_data_right_truncation OR feature_not_supported THEN
    RAISE NOTICE 'left as is: %', SQLERRM;
  END;
END $$;
DO $$
DECLARE c CURSOR FOR SELECT * FROM t_south.client WHERE id > 15 FOR UPDATE;
BEGIN
  FOR row IN c LOOP
    DELETE FROM t_south.visit WHERE client_id = row.id;
    DELETE FROM t_south.client WHERE CURRENT OF c;
  END LOOP;
END $$;
CREATE INDEX ON t_north.visit (client_id);
CREATE INDEX ON t_south.visit (client_id);
DO $$ DECLARE i record; BEGIN FOR i IN SELECT indexrelid::regclass AS ix FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid WHERE c.relname = 'visit' LOOP EXECUTE 'DROP INDEX ' || i.ix; END LOOP; END $$;
ALTER TABLE t_north.visit ALTER COLUMN fee SET NOT NULL;
DO $$ BEGIN LOCK TABLE t_north.visit IN SHARE ROW EXCLUSIVE MODE; EXECUTE 'CREATE TRIGGER noop BEFORE UPDATE ON t_north.visit FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()'; END $$;
UPDATE t_north.visit SET fee = fee;
DO $$ BEGIN EXECUTE format('DROP SCHEMA %I CASCADE', 't_' || 'south'); END $$;
SELECT to_regclass('t_south.client') IS NULL AS gone;
DO $$ BEGIN EXECUTE 'DELETE FROM t_north.visit'; EXECUTE 'TRUNCATE t_north.client CASCADE'; END $$;
CREATE DOMAIN pct AS int CHECK (VALUE BETWEEN 0 AND 100);
DO $$ BEGIN EXECUTE 'ALTER TABLE t_north.client ADD COLUMN discount pct'; EXECUTE 'ALTER TABLE t_north.client ADD COLUMN discount2 pct DEFAULT 5'; END $$;
INSERT INTO t_north.client (id, name) VALUES (1, 'after the flood');
