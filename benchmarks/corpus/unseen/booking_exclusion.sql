-- A hotel: from/to dates to a range with an exclusion constraint.
-- setup
CREATE EXTENSION IF NOT EXISTS btree_gist;
CREATE TABLE room (no int PRIMARY KEY, beds int NOT NULL);
CREATE TABLE booking (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, room_no int NOT NULL REFERENCES room, arrives date NOT NULL, leaves date NOT NULL, guest text, state text DEFAULT 'firm');
INSERT INTO room SELECT g, 1 + g % 3 FROM generate_series(101, 110) g;
INSERT INTO booking (room_no, arrives, leaves, guest) SELECT 101 + g % 10, date '2025-01-01' + g, date '2025-01-01' + g + 2, 'g' || g FROM generate_series(1, 60) g;
INSERT INTO booking (room_no, arrives, leaves, guest) VALUES (101, '2025-01-11', '2025-01-14', 'double');
-- test
ALTER TABLE booking ADD CONSTRAINT stay_forward CHECK (leaves > arrives);
ALTER TABLE booking ADD COLUMN stay daterange GENERATED ALWAYS AS (daterange(arrives, leaves, '[)')) STORED;
ALTER TABLE booking ADD CONSTRAINT no_overlap EXCLUDE USING gist (room_no WITH =, stay WITH &&);
SELECT a.id, b.id FROM booking a JOIN booking b ON a.room_no = b.room_no AND a.id < b.id AND a.stay && b.stay;
UPDATE booking SET state = 'cancelled' WHERE guest = 'double';
ALTER TABLE booking ADD CONSTRAINT no_overlap EXCLUDE USING gist (room_no WITH =, stay WITH &&) WHERE (state <> 'cancelled');
INSERT INTO booking (room_no, arrives, leaves, guest) VALUES (102, '2025-01-02', '2025-01-03', 'late');
INSERT INTO booking (room_no, arrives, leaves, guest) VALUES (102, '2025-01-02', '2025-01-03', 'late') ON CONFLICT DO NOTHING;
ALTER TABLE booking ALTER COLUMN arrives TYPE timestamp;
ALTER TABLE booking DROP COLUMN arrives;
ALTER TABLE booking ALTER COLUMN stay DROP EXPRESSION;
ALTER TABLE booking DROP COLUMN arrives, DROP COLUMN leaves;
ALTER TABLE booking ALTER COLUMN stay SET NOT NULL, ADD CHECK (NOT isempty(stay));
CREATE INDEX CONCURRENTLY booking_arrives ON booking (lower(stay));
REINDEX INDEX CONCURRENTLY no_overlap;
REINDEX TABLE CONCURRENTLY booking;
REINDEX TABLE booking;
ALTER TABLE booking DROP CONSTRAINT no_overlap;
BEGIN;
ALTER TABLE booking ADD CONSTRAINT no_overlap EXCLUDE USING gist (room_no WITH =, stay WITH &&) WHERE (state <> 'cancelled') DEFERRABLE INITIALLY DEFERRED;
UPDATE booking SET stay = daterange(lower(stay), upper(stay) + 1) WHERE id = 2;
UPDATE booking SET room_no = CASE room_no WHEN 103 THEN 104 ELSE 103 END WHERE room_no IN (103, 104);
COMMIT;
ALTER TABLE room ALTER COLUMN no TYPE text;
DELETE FROM room WHERE no = 110;
DROP EXTENSION btree_gist;
DROP EXTENSION btree_gist CASCADE;
