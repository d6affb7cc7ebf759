-- What the script itself makes counts for its later statements: triggers, rules, policies, partitions, keys, indexes.
-- setup
CREATE TABLE item (id int, owner_id int);
CREATE TABLE owner (id int PRIMARY KEY);
CREATE TABLE log (what text);
CREATE TABLE day (id int, at int) PARTITION BY RANGE (at);
CREATE TABLE day1 PARTITION OF day FOR VALUES FROM (0) TO (10);
CREATE TABLE day2 (id int, at int);
CREATE UNIQUE INDEX item_u ON item (id);
ALTER TABLE item ALTER COLUMN id SET NOT NULL;
INSERT INTO item VALUES (1, 1);
-- test
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN LOCK TABLE log IN SHARE MODE; RETURN NULL; END $$;
CREATE TRIGGER item_note AFTER UPDATE ON item FOR EACH ROW EXECUTE FUNCTION note();
UPDATE item SET owner_id = 2;
ALTER TABLE item DISABLE TRIGGER item_note;
UPDATE item SET owner_id = 3;
ALTER TABLE item ENABLE ALWAYS TRIGGER item_note;
UPDATE item SET owner_id = 4;
DROP FUNCTION note() CASCADE;
UPDATE item SET owner_id = 5;
ALTER TABLE item ADD CONSTRAINT item_pk PRIMARY KEY USING INDEX item_u;
ALTER INDEX item_pk RENAME TO item_pk2;
CREATE POLICY own ON item USING (owner_id IN (SELECT id FROM owner));
DROP TABLE owner;
DROP POLICY own ON item;
ALTER TABLE day ATTACH PARTITION day2 FOR VALUES FROM (10) TO (20);
CREATE INDEX day_id ON day (id);
ALTER TABLE day DETACH PARTITION day1;
DROP TABLE day1;
DROP INDEX day_id;
CREATE VIEW seen AS SELECT id FROM item;
ALTER TABLE item DROP COLUMN owner_id;
ALTER TABLE item DROP COLUMN id;
DROP TABLE owner;
