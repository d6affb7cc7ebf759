-- What a transaction makes, others can't see: no lock on it counts; what it touches of others does.
-- setup
CREATE TABLE old_user (id int PRIMARY KEY, name text); INSERT INTO old_user VALUES (1, 'x');
CREATE TABLE login (old_user int REFERENCES old_user);
-- test
BEGIN;
CREATE TABLE new_user (id int PRIMARY KEY, name text NOT NULL, boss int REFERENCES old_user);
INSERT INTO new_user SELECT id, name FROM old_user;
CREATE INDEX new_user_name ON new_user (name);
ALTER TABLE new_user ADD COLUMN mail text, ALTER COLUMN name TYPE varchar(100);
CREATE TRIGGER t BEFORE UPDATE ON new_user FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
ALTER TABLE login ADD COLUMN new_user int REFERENCES new_user;
UPDATE login SET new_user = old_user;
ALTER TABLE login DROP COLUMN old_user;
DROP TABLE old_user;
ALTER TABLE new_user DROP COLUMN boss;
DROP TABLE old_user;
ALTER TABLE new_user RENAME TO old_user;
COMMIT;
TRUNCATE old_user;
TRUNCATE login, old_user;
