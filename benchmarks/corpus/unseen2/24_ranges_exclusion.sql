-- setup
CREATE EXTENSION btree_gist;
CREATE TABLE room (id int PRIMARY KEY, label text);
CREATE TABLE booking (id serial, room_id int REFERENCES room, during tstzrange NOT NULL, who text, cancelled boolean DEFAULT false);
INSERT INTO room SELECT g, 'R' || g FROM generate_series(1, 5) g;
INSERT INTO booking (room_id, during, who) SELECT 1 + g % 5, tstzrange(timestamptz '2024-05-01 08:00+00' + g * interval '1 hour', timestamptz '2024-05-01 09:00+00' + g * interval '1 hour'), 'w' || g FROM generate_series(1, 60) g;
-- test

ALTER TABLE booking ADD CONSTRAINT no_overlap EXCLUDE USING gist (room_id WITH =, during WITH &&);
-- fails: conflicting key value violates exclusion constraint
INSERT INTO booking (room_id, during, who) VALUES (2, '[2024-05-01 09:30+00, 2024-05-01 10:30+00)', 'clash');
-- fails: range lower bound must be less than or equal to upper bound
INSERT INTO booking (room_id, during) VALUES (3, '[2024-06-02, 2024-06-01)');
-- fails: exclusion constraints cannot be NOT VALID
ALTER TABLE booking ADD CONSTRAINT no_overlap2 EXCLUDE USING gist (who WITH =, during WITH &&) NOT VALID;
ALTER TABLE booking DROP CONSTRAINT no_overlap, ADD CONSTRAINT no_overlap EXCLUDE USING gist (room_id WITH =, during WITH &&) WHERE (NOT cancelled) DEFERRABLE INITIALLY DEFERRED;
BEGIN;
UPDATE booking SET during = tstzrange(lower(during) + interval '1 hour', upper(during) + interval '1 hour');
COMMIT;
BEGIN;
UPDATE booking SET room_id = 1 , during = '[2025-01-01, 2025-01-02)' WHERE id IN (1, 2);
-- fails: deferred exclusion violated at commit
COMMIT;
CREATE INDEX booking_during ON booking USING gist (during);
CREATE INDEX CONCURRENTLY booking_lower ON booking (lower(during));
ALTER TABLE booking ADD COLUMN nights int4range;
UPDATE booking SET nights = int4range(id, id + 2), cancelled = (id % 4 = 0);
ALTER TABLE booking ADD COLUMN slots tstzmultirange DEFAULT '{}';
CREATE TYPE floatrange AS RANGE (subtype = float8, subtype_diff = float8mi);
ALTER TABLE booking ADD COLUMN temp_band floatrange DEFAULT '[18,22)';
-- fails: extension objects are needed by the constraint
DROP EXTENSION btree_gist;
-- fails: column used by the type
DROP TYPE floatrange;
-- fails: cannot convert automatically
ALTER TABLE booking ALTER COLUMN during TYPE tsrange;
ALTER TABLE booking DROP CONSTRAINT no_overlap;
ALTER TABLE booking ALTER COLUMN during TYPE tsrange USING tsrange(lower(during) AT TIME ZONE 'UTC', upper(during) AT TIME ZONE 'UTC');
DROP EXTENSION btree_gist;
-- fails: gist has no default operator class for integer any more
ALTER TABLE booking ADD EXCLUDE USING gist (room_id WITH =, during WITH &&);
DELETE FROM booking WHERE cancelled;
DROP TYPE floatrange CASCADE;
ALTER TABLE booking DROP COLUMN nights, DROP COLUMN slots;
