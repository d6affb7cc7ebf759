-- EXECUTE with USING and INTO; names come from text, values from elsewhere.
-- setup
CREATE TABLE setting (k text PRIMARY KEY, v text); CREATE TABLE target (id int, v text);
INSERT INTO setting VALUES ('a', 'b');
CREATE FUNCTION put(tab text, val text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE format('INSERT INTO %I (v) VALUES ($1)', tab) USING val; END $$;
CREATE FUNCTION rows_of(tab text) RETURNS bigint LANGUAGE plpgsql AS $$ DECLARE n bigint; BEGIN EXECUTE 'SELECT count(*) FROM ' || tab INTO n; RETURN n; END $$;
CREATE FUNCTION each_row() RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY EXECUTE 'SELECT v FROM target FOR UPDATE'; END $$;
-- test
SELECT put('target', 'x');
SELECT rows_of('target'), rows_of('setting');
SELECT * FROM each_row();
DO $$ DECLARE c refcursor; BEGIN OPEN c FOR EXECUTE 'SELECT * FROM setting'; CLOSE c; END $$;
DO $$ BEGIN EXECUTE $q$ ALTER TABLE target ADD COLUMN w int $q$; EXECUTE 'ALTER TABLE target ' || 'DROP COLUMN w'; END $$;
DO $$ BEGIN EXECUTE 'TRUNCATE ' || 'setting' || ', target'; END $$;
PREPARE p (text) AS UPDATE target SET v = $1;
EXECUTE p ('z');
DEALLOCATE p;
EXECUTE p ('z');
