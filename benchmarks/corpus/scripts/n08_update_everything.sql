-- Backfills without WHERE, twice, with a new column between.
-- setup
CREATE TABLE people (id int PRIMARY KEY, first text, last text); INSERT INTO people SELECT g, 'f', 'l' FROM generate_series(1, 30) g;
CREATE TABLE people_audit (n int);
CREATE FUNCTION audit_people() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO people_audit VALUES (1); RETURN NULL; END $$;
CREATE TRIGGER aud AFTER UPDATE ON people FOR EACH STATEMENT EXECUTE FUNCTION audit_people();
-- test
ALTER TABLE people ADD COLUMN full_name text;
UPDATE people SET full_name = first || ' ' || last;
ALTER TABLE people ALTER COLUMN full_name SET NOT NULL;
UPDATE people SET full_name = upper(full_name), first = NULL;
ALTER TABLE people DROP COLUMN first, DROP COLUMN last;
UPDATE people SET first = 'x';
ALTER TABLE people RENAME TO humans;
UPDATE humans SET full_name = 'y';
UPDATE people SET full_name = 'z';
DROP TRIGGER aud ON humans;
UPDATE humans SET full_name = 'w';
UPDATE humans h SET full_name = a.n::text FROM people_audit a;
