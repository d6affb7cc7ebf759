-- Where a table lies and how: logged or not, filled to what degree, vacuumed when.
-- setup
CREATE TABLE event (id int PRIMARY KEY, body text);
CREATE TABLE event_part (id int REFERENCES event, k int);
CREATE INDEX event_part_k ON event_part (k);
INSERT INTO event SELECT g, 'x' FROM generate_series(1, 10) g;
-- test
ALTER TABLE event SET UNLOGGED;
ALTER TABLE event_part SET UNLOGGED;
ALTER TABLE event SET UNLOGGED;
ALTER TABLE event SET UNLOGGED;
ALTER TABLE event_part SET LOGGED;
ALTER TABLE event SET LOGGED;
ALTER TABLE event_part SET LOGGED;
ALTER TABLE event SET TABLESPACE pg_default;
ALTER INDEX event_part_k SET (fillfactor = 70);
ALTER INDEX event_part_k RESET (fillfactor);
ALTER TABLE event SET (toast_tuple_target = 256);
ALTER TABLE event SET (toast.autovacuum_enabled = false);
CLUSTER event USING event_pkey;
CLUSTER event_part;
