-- Corrections of rows with subqueries, joins, and rows that reference each other.
-- setup
CREATE TABLE acc (id int PRIMARY KEY, owner int, v int); CREATE TABLE own (id int PRIMARY KEY, acc int REFERENCES acc ON DELETE RESTRICT); INSERT INTO acc SELECT g, g, g FROM generate_series(1, 20) g; INSERT INTO own VALUES (1, 1);
CREATE FUNCTION note_v() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.v < 0 THEN LOCK TABLE own IN SHARE MODE; END IF; RETURN NEW; END $$; CREATE TRIGGER nv BEFORE UPDATE OF v ON acc FOR EACH ROW EXECUTE FUNCTION note_v();
-- test
UPDATE acc SET v = (SELECT max(v) FROM acc a2 WHERE a2.owner = acc.owner);
UPDATE acc SET (owner, v) = (SELECT id, 0 FROM own LIMIT 1);
UPDATE acc SET owner = 5;
DELETE FROM acc WHERE NOT EXISTS (SELECT FROM own WHERE own.acc = acc.id);
DELETE FROM own o USING acc a WHERE a.id = o.acc AND a.v > 100;
UPDATE acc a SET v = o.id FROM own o WHERE o.acc = a.id AND a.vv = 1;
UPDATE acc SET w = 1;
INSERT INTO own SELECT id, id FROM acc WHERE id NOT IN (SELECT id FROM own) ON CONFLICT (id) DO NOTHING;
SELECT a.id, count(o.id) FROM acc a LEFT JOIN own o ON o.acc = a.id GROUP BY a.id HAVING count(o.id) > 0 ORDER BY 2;
SELECT id AS number FROM acc ORDER BY number;
DELETE FROM acc;
