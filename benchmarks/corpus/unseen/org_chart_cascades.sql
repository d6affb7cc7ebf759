-- A public authority prunes its org chart; keys of all actions cascade over four levels.
-- setup
CREATE TABLE unit (id int PRIMARY KEY, parent int REFERENCES unit ON DELETE CASCADE, name text);
CREATE TABLE post (id int PRIMARY KEY, unit_id int NOT NULL REFERENCES unit ON DELETE CASCADE ON UPDATE CASCADE, grade int);
CREATE TABLE person (id int PRIMARY KEY, post_id int REFERENCES post ON DELETE SET NULL, deputy_of int REFERENCES person ON DELETE NO ACTION);
CREATE TABLE badge (person_id int REFERENCES person ON DELETE CASCADE, no int, issued_by int DEFAULT 1 REFERENCES person ON DELETE SET DEFAULT);
CREATE TABLE key_ring (badge_no int, unit_id int REFERENCES unit ON DELETE RESTRICT);
INSERT INTO unit SELECT g, CASE WHEN g > 1 THEN g / 2 END, 'u' || g FROM generate_series(1, 31) g; INSERT INTO post SELECT g, 1 + g % 31, 10 FROM generate_series(1, 62) g; INSERT INTO person SELECT g, g, NULL FROM generate_series(1, 62) g; INSERT INTO badge SELECT g, g, g FROM generate_series(1, 62) g; INSERT INTO key_ring VALUES (1, 31);
-- test
DELETE FROM unit WHERE id = 20;
DELETE FROM unit WHERE id = 7;
UPDATE unit SET id = 300 WHERE id = 30;
UPDATE unit SET id = 301 WHERE id = 25;
UPDATE unit SET id = 310 WHERE id = 31;
DELETE FROM person WHERE id = 12;
ALTER TABLE person DROP CONSTRAINT person_post_id_fkey, ADD CONSTRAINT person_post FOREIGN KEY (post_id) REFERENCES post ON DELETE CASCADE;
UPDATE person SET deputy_of = 13 WHERE id = 14;
DELETE FROM post WHERE id = 13;
DELETE FROM post WHERE id = 10;
ALTER TABLE unit DROP CONSTRAINT unit_parent_fkey;
ALTER TABLE unit ADD CONSTRAINT unit_parent FOREIGN KEY (parent) REFERENCES unit (id) ON DELETE SET NULL NOT VALID;
DELETE FROM unit WHERE id = 2;
ALTER TABLE unit VALIDATE CONSTRAINT unit_parent;
ALTER TABLE post ALTER COLUMN unit_id DROP NOT NULL;
ALTER TABLE key_ring DROP CONSTRAINT key_ring_unit_id_fkey;
DELETE FROM unit WHERE id = 1;
DELETE FROM unit;
SELECT count(*) FROM badge;
DROP TABLE person;
ALTER TABLE badge DROP CONSTRAINT badge_person_id_fkey;
DROP TABLE person CASCADE;
ALTER TABLE unit ALTER COLUMN id TYPE bigint, ALTER COLUMN parent TYPE bigint;
ALTER TABLE post ALTER COLUMN unit_id TYPE bigint;
DROP TABLE key_ring, badge;
