-- A copy of a table for safety, CREATE TABLE AS, LIKE, and what it doesn't copy.
-- setup
CREATE TABLE gold (id serial PRIMARY KEY, v text DEFAULT 'x', g int GENERATED ALWAYS AS IDENTITY, CHECK (v <> '')); CREATE INDEX gold_v ON gold (v);
INSERT INTO gold (v) SELECT 'v' FROM generate_series(1, 20);
-- test
CREATE TABLE gold_backup AS SELECT * FROM gold;
CREATE TABLE gold_like (LIKE gold);
CREATE TABLE gold_all (LIKE gold INCLUDING ALL);
INSERT INTO gold_all (v) VALUES ('a');
INSERT INTO gold_like (id, v, g) VALUES (1, 'a', 1);
INSERT INTO gold_backup (v) VALUES ('a');
DROP TABLE gold;
ALTER TABLE gold_all ALTER COLUMN id DROP DEFAULT;
DROP TABLE gold;
ALTER TABLE gold_backup RENAME TO gold;
ALTER TABLE gold ADD PRIMARY KEY (id);
ALTER TABLE gold ALTER COLUMN id SET DEFAULT nextval('gold_id_seq');
CREATE TABLE gold_kid () INHERITS (gold);
DROP TABLE gold;
