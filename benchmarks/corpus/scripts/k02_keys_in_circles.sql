-- Tables that reference each other and themselves.
-- setup
CREATE TABLE team (id int PRIMARY KEY, lead int);
CREATE TABLE person (id int PRIMARY KEY, team int REFERENCES team, boss int REFERENCES person);
ALTER TABLE team ADD FOREIGN KEY (lead) REFERENCES person DEFERRABLE;
INSERT INTO team VALUES (1, NULL); INSERT INTO person VALUES (1, 1, NULL); UPDATE team SET lead = 1;
-- test
DROP TABLE team;
TRUNCATE team, person;
INSERT INTO team VALUES (2, NULL);
UPDATE person SET boss = NULL;
ALTER TABLE person ALTER COLUMN id TYPE bigint;
ALTER TABLE person DROP CONSTRAINT person_pkey;
ALTER TABLE person DROP CONSTRAINT person_pkey CASCADE;
ALTER TABLE person ADD PRIMARY KEY (id);
ALTER TABLE person ADD FOREIGN KEY (boss) REFERENCES person ON DELETE CASCADE NOT VALID;
DELETE FROM person WHERE id = 1;
DROP TABLE team CASCADE;
DROP TABLE person;
