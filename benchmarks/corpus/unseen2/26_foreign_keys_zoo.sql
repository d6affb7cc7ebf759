-- setup
CREATE TABLE country (code char(2) PRIMARY KEY, name text);
CREATE TABLE city (country_code char(2), name text, mayor_of int, pop int, PRIMARY KEY (country_code, name));
CREATE TABLE staff (id int PRIMARY KEY, boss int, country_code char(2), city text);
CREATE TABLE shipment (id int, region int, staff_id int, PRIMARY KEY (id, region)) PARTITION BY RANGE (region);
CREATE TABLE shipment_1 PARTITION OF shipment FOR VALUES FROM (1) TO (10);
CREATE TABLE shipment_2 PARTITION OF shipment FOR VALUES FROM (10) TO (20);
CREATE TABLE parcel (id int PRIMARY KEY, ship_id int, region int, weight real);
INSERT INTO country VALUES ('DE', 'Germany'), ('FR', 'France'), ('XX', 'Nowhere');
INSERT INTO city VALUES ('DE', 'Bonn', 1, 300), ('FR', 'Lyon', 2, 500), ('ZZ', 'Ghost', NULL, 0);
INSERT INTO staff SELECT g, CASE WHEN g > 1 THEN g / 2 END, 'DE', 'Bonn' FROM generate_series(1, 30) g;
INSERT INTO shipment SELECT g, 1 + g % 18, 1 + g % 30 FROM generate_series(1, 90) g;
INSERT INTO parcel SELECT g, g, 1 + g % 18, g FROM generate_series(1, 80) g;
-- test

-- fails: ZZ is in no country
ALTER TABLE city ADD CONSTRAINT city_country_fk FOREIGN KEY (country_code) REFERENCES country;
ALTER TABLE city ADD CONSTRAINT city_country_fk FOREIGN KEY (country_code) REFERENCES country ON DELETE CASCADE NOT VALID;
-- fails: still the ghost
ALTER TABLE city VALIDATE CONSTRAINT city_country_fk;
DELETE FROM city WHERE country_code = 'ZZ';
ALTER TABLE city VALIDATE CONSTRAINT city_country_fk;
ALTER TABLE staff ADD CONSTRAINT staff_boss_fk FOREIGN KEY (boss) REFERENCES staff (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE staff ADD CONSTRAINT staff_city_fk FOREIGN KEY (country_code, city) REFERENCES city MATCH FULL ON UPDATE CASCADE ON DELETE SET NULL;
-- fails: MATCH FULL does not allow mixing null and nonnull
UPDATE staff SET city = NULL WHERE id = 30;
-- fails: number of referencing and referenced columns disagree
ALTER TABLE parcel ADD FOREIGN KEY (ship_id) REFERENCES shipment (id, region);
-- fails: no unique constraint matching given keys
ALTER TABLE parcel ADD FOREIGN KEY (ship_id) REFERENCES shipment (id);
ALTER TABLE parcel ADD CONSTRAINT parcel_ship_fk FOREIGN KEY (ship_id, region) REFERENCES shipment (id, region);
ALTER TABLE shipment ADD CONSTRAINT shipment_staff_fk FOREIGN KEY (staff_id) REFERENCES staff (id);
-- fails: partition is referenced by parcel rows
ALTER TABLE shipment DETACH PARTITION shipment_1;
-- fails: other objects depend (foreign key parcel_ship_fk)
DROP TABLE shipment;
-- fails: cannot truncate a table referenced in a foreign key
TRUNCATE country;
-- cascades: removes Lyon; nobody works there
DELETE FROM country WHERE code = 'FR';
UPDATE city SET name = 'Bonn am Rhein' WHERE name = 'Bonn';
BEGIN;
-- fails: shipments still reference it (the self reference is deferred, this one is not)
DELETE FROM staff WHERE id = 1;
ROLLBACK;
-- fails: foreign key column types text and integer are incompatible
ALTER TABLE parcel ADD COLUMN city text, ADD FOREIGN KEY (city) REFERENCES staff (id);
ALTER TABLE parcel ALTER COLUMN region TYPE bigint;
ALTER TABLE country ALTER COLUMN code TYPE varchar(3);
ALTER TABLE parcel DROP CONSTRAINT parcel_ship_fk;
DROP TABLE shipment_1;
TRUNCATE country CASCADE;
SELECT count(*) FROM shipment;
