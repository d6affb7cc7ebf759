-- Variables inside strings, dollar quotes and identifiers, where psql leaves them alone.
-- setup
CREATE TABLE vv (id int, txt text); CREATE TABLE vx (id int);
-- test
\set x 'vx'
INSERT INTO vv (txt) VALUES (':x and $$:x$$');
DO $$ BEGIN INSERT INTO vv (txt) VALUES (':x'); END $$;
ALTER TABLE :x ADD COLUMN y int;
INSERT INTO vv (txt) VALUES (:'x');
SELECT id::text, txt FROM vv;
\set y 'ADD COLUMN z int'
ALTER TABLE vx :y;
\set list '(1), (2)'
INSERT INTO vx (id) VALUES :list;
ALTER TABLE vv ADD COLUMN arr int[], ADD COLUMN part text DEFAULT 'a:b';
UPDATE vv SET arr = arr[1:2];
\unset x
DROP TABLE vx;
