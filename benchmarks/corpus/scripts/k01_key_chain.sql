-- A chain of foreign keys with different actions: what a DELETE at its head reaches.
-- setup
CREATE TABLE country (id int PRIMARY KEY);
CREATE TABLE town (id int PRIMARY KEY, country int REFERENCES country ON DELETE CASCADE);
CREATE TABLE house (id int PRIMARY KEY, town int REFERENCES town ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE tenant (id int PRIMARY KEY, house int REFERENCES house ON DELETE SET NULL);
CREATE TABLE pet (id int, tenant int REFERENCES tenant);
INSERT INTO country VALUES (1), (2); INSERT INTO town VALUES (1, 1); INSERT INTO house VALUES (1, 1); INSERT INTO tenant VALUES (1, 1);
-- test
DELETE FROM country WHERE id = 1;
UPDATE town SET id = 5 WHERE id = 4;
DELETE FROM tenant;
ALTER TABLE house DROP CONSTRAINT house_town_fkey, ADD FOREIGN KEY (town) REFERENCES town ON DELETE RESTRICT;
DELETE FROM country;
TRUNCATE house;
TRUNCATE house CASCADE;
ALTER TABLE pet ALTER CONSTRAINT pet_tenant_fkey DEFERRABLE INITIALLY DEFERRED;
DROP TABLE tenant;
DROP TABLE tenant CASCADE;
INSERT INTO pet VALUES (9, 9);
DROP TABLE house, town, country;
