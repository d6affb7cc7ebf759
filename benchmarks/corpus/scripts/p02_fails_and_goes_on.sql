-- Statements that fail are undone, and those behind them find what was there before.
-- setup
CREATE TABLE part (id int PRIMARY KEY);
CREATE TABLE bill (id int, part_id int REFERENCES part);
INSERT INTO part VALUES (1);
INSERT INTO bill VALUES (1, 1);
-- test
TRUNCATE part;
ALTER TABLE part DROP COLUMN nothing;
BEGIN;
DROP TABLE bill;
ALTER TABLE part ADD COLUMN id text;
ALTER TABLE part ADD COLUMN note text;
COMMIT;
CREATE INDEX CONCURRENTLY part_note ON part (note);
