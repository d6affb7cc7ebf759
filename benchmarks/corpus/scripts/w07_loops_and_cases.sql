-- Loops over constants and over the catalog, CASE, early RETURN.
-- setup
CREATE TABLE year_2023 (id int); CREATE TABLE year_2024 (id int); CREATE TABLE year_2025 (id int);
CREATE TABLE keep (id int); INSERT INTO year_2023 VALUES (1);
-- test
DO $$
DECLARE y int;
BEGIN
  FOR y IN 2023..2024 LOOP
    EXECUTE format('ALTER TABLE year_%s ADD COLUMN note text', y);
    EXECUTE format('CREATE INDEX ON year_%s (id)', y);
  END LOOP;
END $$;
DO $$
DECLARE name text; names text[] := ARRAY['year_2023', 'year_2025'];
BEGIN
  FOREACH name IN ARRAY ARRAY['year_2023', 'year_2025'] LOOP
    EXECUTE 'ALTER TABLE ' || quote_ident(name) || ' SET (fillfactor = 90)';
  END LOOP;
END $$;
DO $$
BEGIN
  CASE 2
    WHEN 1 THEN DROP TABLE keep;
    ELSE ALTER TABLE keep ADD COLUMN n int;
  END CASE;
END $$;
DO $$ BEGIN RETURN; DROP TABLE keep; END $$;
DO $$ BEGIN IF false THEN DROP TABLE keep; ELSIF true THEN TRUNCATE year_2025; END IF; END $$;
DO $$ DECLARE i int := 0; BEGIN WHILE i < 2 LOOP i := i + 1; LOCK TABLE keep IN SHARE MODE; END LOOP; END $$;
DO $$ BEGIN LOOP ALTER TABLE keep ADD COLUMN IF NOT EXISTS m int; EXIT; END LOOP; END $$;
ALTER TABLE keep ADD COLUMN o int;
DROP TABLE year_2023;
