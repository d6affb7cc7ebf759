-- A script that went through five editors: comments nested, semicolons in strings, many statements a line, tabs and capitals.
-- setup
CREATE TABLE wine(id int,name text,vintage int,note text);CREATE TABLE cellar(wine_id int,bottles int);INSERT INTO wine SELECT g,'w'||g,2000+g%20,'n' FROM generate_series(1,30)g;INSERT INTO cellar SELECT g,g FROM generate_series(1,30)g;
-- test
/* step 1; /* not; a statement */ ALTER TABLE wine DROP COLUMN name; */ alter/**/table/* x */wine add column region text default 'Rheinhessen; Pfalz' -- trailing; comment
;
Alter Table WINE Alter Column "vintage" Type SmallInt;ALTER TABLE wine ADD rating numeric(3,1);alter table wine add constraint "rating; ok" check (rating between 0 and 100);
UPDATE wine
	SET note = E'it\'s; fine', -- ; here
	    region = $q$a;b$$c$q$
WHERE name <> ';' /* ; */
  AND id < 20;;
INSERT INTO cellar VALUES (1, 1); DELETE FROM cellar WHERE bottles > 25; -- DELETE FROM cellar;
COMMENT ON COLUMN wine.note IS 'say ''what;'' you "like"';
CREATE FUNCTION "count;"(x int) RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM cellar WHERE wine_id = x; -- one; two
$$;
SELECT "count;"(3)
;
CREATE FUNCTION cellar_of(w int) RETURNS SETOF cellar LANGUAGE sql STABLE BEGIN ATOMIC SELECT * FROM cellar WHERE wine_id = w; SELECT * FROM cellar WHERE wine_id = w ORDER BY bottles; END;
ALTER TABLE cellar DROP COLUMN bottles;
DROP FUNCTION cellar_of(int);
ALTER TABLE cellar RENAME bottles TO "bottles; n";
ALTER TABLE cellar
ADD
COLUMN
"shelf
two" int
DEFAULT
1;
BEGIN; ALTER TABLE cellar ADD PRIMARY KEY (wine_id); ROLLBACK;
DELETE FROM cellar a USING cellar b WHERE a.wine_id = b.wine_id AND a.ctid > b.ctid;
BEGIN; ALTER TABLE cellar ADD PRIMARY KEY (wine_id); COMMIT;
\echo done ; really
ALTER TABLE wine ALTER COLUMN note SET DEFAULT U&'\00FC;', ALTER COLUMN vintage SET NOT NULL;
DO 'BEGIN ALTER TABLE wine RENAME TO wines; END';
SELECT 1; SELECT 2 \; SELECT 3;
DROP FUNCTION "count;";
DROP TABLE wine; DROP TABLE wines; DROP TABLE cellar
;
