-- After a merger the prefix tbl_ goes from all tables, and every table gets audit columns, by loops over the catalog.
-- setup
CREATE TABLE tbl_customer (id int PRIMARY KEY, n text); CREATE TABLE tbl_item (id int PRIMARY KEY, customer_id int REFERENCES tbl_customer); CREATE TABLE tbl_stock (item_id int REFERENCES tbl_item, amount int CHECK (amount >= 0));
CREATE TABLE keep_me (id int); CREATE VIEW tbl_view AS SELECT * FROM tbl_item;
INSERT INTO tbl_customer SELECT g, 'n' FROM generate_series(1, 15) g; INSERT INTO tbl_item SELECT g, g FROM generate_series(1, 15) g; INSERT INTO tbl_stock SELECT g, g FROM generate_series(1, 15) g;
-- test
DO $$
DECLARE r record;
BEGIN
  FOR r IN SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND table_name LIKE 'tbl\_%' ORDER BY table_name LOOP
    EXECUTE format('ALTER TABLE public.%I RENAME TO %I', r.table_name, substr(r.table_name, 5));
    RAISE NOTICE 'renamed %', r.table_name;
  END LOOP;
END $$;
DO $$
DECLARE t text; cols text[] := ARRAY['created_at timestamptz DEFAULT now()', 'created_by text'];
  c text;
BEGIN
  FOREACH t IN ARRAY ARRAY['customer', 'item', 'stock'] LOOP
    FOREACH c IN ARRAY cols LOOP
      EXECUTE 'ALTER TABLE ' || t || ' ADD COLUMN ' || c;
    END LOOP;
    EXECUTE format('UPDATE %I SET created_by = %L', t, current_user);
    IF t <> 'stock' THEN EXECUTE format('ALTER TABLE %I ALTER created_by SET NOT NULL', t); END IF;
  END LOOP;
END $$;
ALTER TABLE tbl_item ADD COLUMN x int;
SELECT count(*) FROM tbl_view;
DO $$
DECLARE con record;
BEGIN
  FOR con IN SELECT conrelid::regclass AS rel, conname FROM pg_constraint WHERE contype = 'f' AND conrelid = 'public.stock'::regclass LOOP
    EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', con.rel, con.conname);
  END LOOP;
END $$;
ALTER TABLE stock ADD CONSTRAINT stock_item FOREIGN KEY (item_id) REFERENCES item ON DELETE CASCADE;
DO $$
DECLARE n bigint;
BEGIN
  SELECT count(*) INTO n FROM keep_me;
  IF n = 0 THEN EXECUTE 'DROP TABLE keep_me'; END IF;
  EXECUTE 'SELECT count(*) FROM stock WHERE amount > $1' INTO n USING 5;
  IF n > 100 THEN TRUNCATE stock; ELSE DELETE FROM stock WHERE amount > 14; END IF;
END $$;
DO $$ BEGIN
  ALTER TABLE item ADD COLUMN created_at date;
EXCEPTION WHEN duplicate_column THEN
  ALTER TABLE item ALTER COLUMN created_at SET NOT NULL;
END $$;
DO $$ BEGIN
  BEGIN
    DROP TABLE customer;
  EXCEPTION WHEN dependent_objects_still_exist THEN
    RAISE WARNING 'customer is still used';
  END;
  CREATE INDEX ON item (customer_id);
END $$;
DO LANGUAGE plpgsql 'BEGIN PERFORM 1; EXECUTE ''COMMENT ON TABLE item IS '' || quote_literal(''it''''s an item''); END';
DO $$ BEGIN ALTER TABLE nothing ADD COLUMN a int; END $$;
DO $$ BEGIN EXECUTE 'VACUUM item'; END $$;
DO $$ DECLARE s text := 'stock'; BEGIN EXECUTE 'TRUNCATE ' || s; RAISE EXCEPTION 'stop'; END $$;
DROP TABLE keep_me;
DROP TABLE customer CASCADE;
