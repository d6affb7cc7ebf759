-- New columns with defaults of every kind: stored beside, written into each row, or asked of a sequence.
-- setup
CREATE TABLE device (id int PRIMARY KEY, name text NOT NULL);
INSERT INTO device SELECT g, 'd' || g FROM generate_series(1, 40) g;
CREATE SEQUENCE ticket;
CREATE FUNCTION next_code() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN 'c' || nextval('ticket'); END $$;
CREATE FUNCTION fixed_code() RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'fixed' $$;
-- test
BEGIN;
ALTER TABLE device ADD COLUMN made timestamptz NOT NULL DEFAULT now();
ALTER TABLE device ADD COLUMN mark uuid DEFAULT gen_random_uuid();
ALTER TABLE device ADD COLUMN code text DEFAULT next_code();
ALTER TABLE device ADD COLUMN kind text DEFAULT fixed_code();
ALTER TABLE device ADD COLUMN number bigserial;
ALTER TABLE device ADD COLUMN seen timestamptz DEFAULT clock_timestamp();
ALTER TABLE device ALTER COLUMN name SET DEFAULT 'none', ALTER COLUMN kind DROP DEFAULT;
COMMIT;
ALTER TABLE device ADD COLUMN upper_name text GENERATED ALWAYS AS (upper(name)) STORED;
ALTER TABLE device ADD COLUMN size int CHECK (size > 0);
ALTER TABLE device ADD COLUMN owner int REFERENCES device (id);
ALTER TABLE device DROP COLUMN upper_name, DROP COLUMN code;
INSERT INTO device (id) VALUES (41);
