-- setup
-- pre-10 style inheritance tree, still in production
CREATE TABLE vehicle (id serial PRIMARY KEY, plate text NOT NULL, bought date DEFAULT now(), CHECK (plate <> ''));
CREATE TABLE car (doors int) INHERITS (vehicle);
CREATE TABLE truck (payload_kg int NOT NULL) INHERITS (vehicle);
CREATE TABLE fire_truck (ladder_m numeric) INHERITS (truck);
INSERT INTO vehicle (plate) VALUES ('V-1');
INSERT INTO car (plate, doors) SELECT 'C-' || g, 2 + g % 3 FROM generate_series(1, 30) g;
INSERT INTO truck (plate, payload_kg) SELECT 'T-' || g, 1000 * g FROM generate_series(1, 10) g;
INSERT INTO fire_truck (plate, payload_kg, ladder_m) VALUES ('F-1', 9000, 30.5);
-- test

ALTER TABLE vehicle ADD COLUMN owner text;
-- fails: must be added to child tables too
ALTER TABLE ONLY vehicle ADD COLUMN colour text;
-- fails: cannot alter inherited column
ALTER TABLE car ALTER COLUMN plate TYPE varchar(20);
ALTER TABLE vehicle ALTER COLUMN plate TYPE varchar(20);
-- fails: inherited column must be renamed in child tables too
ALTER TABLE ONLY vehicle RENAME COLUMN owner TO keeper;
ALTER TABLE vehicle RENAME COLUMN owner TO keeper;
-- fails: cannot drop inherited column
ALTER TABLE truck DROP COLUMN keeper;
ALTER TABLE vehicle ADD CONSTRAINT keeper_len CHECK (length(keeper) < 80);
ALTER TABLE ONLY vehicle ADD CONSTRAINT no_rows_here CHECK (plate !~ '^X') NO INHERIT;
-- fails: column does not exist in every child (doors belongs to car)
UPDATE vehicle SET doors = 4;
UPDATE vehicle SET keeper = 'fleet';
UPDATE ONLY vehicle SET keeper = 'parent only';
DELETE FROM ONLY truck WHERE payload_kg > 8000;
-- the children have no index of their own: the key is not inherited
INSERT INTO car (id, plate, doors) VALUES (1, 'DUP', 2);
CREATE TABLE trip (vehicle_id int REFERENCES vehicle (id), km int);
-- fails: foreign key sees only the parent's own rows
INSERT INTO trip VALUES (5, 10);
CREATE TABLE bike (id int NOT NULL DEFAULT 0, plate varchar(20) NOT NULL, bought date, keeper text);
-- fails: child table is missing a check constraint of the parent
ALTER TABLE bike INHERIT vehicle;
ALTER TABLE bike ADD CONSTRAINT vehicle_plate_check CHECK (plate <> ''), ADD CONSTRAINT keeper_len CHECK (length(keeper) < 80);
ALTER TABLE bike INHERIT vehicle;
ALTER TABLE car NO INHERIT vehicle;
ALTER TABLE car DROP COLUMN keeper;
-- fails: other tables inherit from it
DROP TABLE truck;
TRUNCATE truck;
ALTER TABLE vehicle DROP COLUMN bought;
DROP TABLE truck CASCADE;
