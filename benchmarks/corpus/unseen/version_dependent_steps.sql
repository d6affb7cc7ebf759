-- A vendor's upgrade that looks at the server and at what is installed before each step.
-- setup
CREATE TABLE vendor_meta (key text PRIMARY KEY, value text);
INSERT INTO vendor_meta VALUES ('schema_version', '41'), ('edition', 'enterprise');
CREATE TABLE device (id int, serial_no char(12), model text, warranty_until varchar(10));
INSERT INTO device SELECT g, lpad(g::text, 12, '0'), 'M' || g % 3, '2026-0' || 1 + g % 9 || '-01' FROM generate_series(1, 40) g;
-- test
\set QUIET 1
SELECT value::int AS schema_version, value::int < 42 AS needs_42, value::int < 40 AS needs_40 FROM vendor_meta WHERE key = 'schema_version' \gset
SELECT current_setting('server_version_num')::int >= 150000 AS has_15 \gset
SELECT to_regclass('public.device_model') IS NULL AS no_model, to_regclass('public.device') IS NOT NULL AS device_there \gset
\if :needs_40
ALTER TABLE device ADD COLUMN must_not_come int;
\endif
\if :needs_42
BEGIN;
\if :has_15
ALTER TABLE device ADD CONSTRAINT device_serial UNIQUE NULLS NOT DISTINCT (serial_no);
\else
ALTER TABLE device ADD CONSTRAINT device_serial UNIQUE (serial_no);
\endif
\if :no_model
CREATE TABLE device_model (name text PRIMARY KEY);
INSERT INTO device_model SELECT DISTINCT model FROM device;
ALTER TABLE device ADD FOREIGN KEY (model) REFERENCES device_model;
\endif
ALTER TABLE device ALTER COLUMN warranty_until TYPE date USING warranty_until::date, ALTER COLUMN serial_no TYPE text;
UPDATE device SET serial_no = trim(serial_no);
UPDATE vendor_meta SET value = '42' WHERE key = 'schema_version';
COMMIT;
\endif
\if :device_there
ALTER TABLE device ADD PRIMARY KEY (id);
ALTER TABLE device ADD PRIMARY KEY (id);
\endif
DO $$ BEGIN
  IF (SELECT value FROM vendor_meta WHERE key = 'edition') = 'enterprise' THEN
    ALTER TABLE device ADD COLUMN IF NOT EXISTS cost_center text;
  ELSE
    DROP TABLE device;
  END IF;
END $$;
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM information_schema.columns WHERE table_name = 'device' AND column_name = 'cost_center') THEN
    RAISE EXCEPTION 'step 43 did not run';
  END IF;
  IF current_setting('server_version_num')::int < 140000 THEN
    DROP TABLE vendor_meta;
  END IF;
END $$;
ALTER TABLE device_model RENAME COLUMN name TO model_name;
DROP TABLE device_model;
\echo upgraded from :schema_version
