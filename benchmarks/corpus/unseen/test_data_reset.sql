-- A staging reset before a load test: TRUNCATE with CASCADE, RESTART IDENTITY, then fresh seeds.
-- setup
CREATE TABLE org (id serial PRIMARY KEY, name text);
CREATE TABLE member (id serial PRIMARY KEY, org_id int REFERENCES org, name text);
CREATE TABLE badge (id serial PRIMARY KEY, member_id int REFERENCES member ON DELETE SET NULL);
CREATE TABLE country (code char(2) PRIMARY KEY);
CREATE TABLE org_log (n int);
CREATE FUNCTION org_truncated() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO org_log VALUES (1); RETURN NULL; END $$;
CREATE TRIGGER t AFTER TRUNCATE ON org EXECUTE FUNCTION org_truncated();
INSERT INTO org (name) SELECT 'o' || g FROM generate_series(1, 9) g; INSERT INTO member (org_id, name) SELECT g, 'm' FROM generate_series(1, 9) g;
INSERT INTO badge (member_id) SELECT g FROM generate_series(1, 9) g; INSERT INTO country VALUES ('de'), ('at');
CREATE TABLE click (at date, n int) PARTITION BY RANGE (at);
CREATE TABLE click_old PARTITION OF click FOR VALUES FROM (MINVALUE) TO ('2024-01-01');
CREATE TABLE click_new PARTITION OF click FOR VALUES FROM ('2024-01-01') TO (MAXVALUE);
INSERT INTO click VALUES ('2023-01-01', 1), ('2024-05-05', 2);
-- test
TRUNCATE org;
BEGIN;
TRUNCATE org CASCADE;
SELECT count(*) FROM badge;
ROLLBACK;
TRUNCATE TABLE org, member, badge RESTART IDENTITY;
INSERT INTO org (name) VALUES ('first again') RETURNING id;
INSERT INTO member (org_id, name) VALUES (1, 'x'), (1, 'y');
TRUNCATE ONLY click;
TRUNCATE click_old;
TRUNCATE click;
TRUNCATE country CONTINUE IDENTITY RESTRICT;
INSERT INTO country SELECT chr(97 + g) || 'x' FROM generate_series(0, 25) g;
TRUNCATE no_such_table;
DELETE FROM org WHERE true;
DELETE FROM member;
DELETE FROM org;
ALTER SEQUENCE org_id_seq RESTART;
SELECT nextval('member_id_seq'), currval('member_id_seq');
ALTER TABLE org DISABLE TRIGGER ALL;
TRUNCATE org CASCADE;
ALTER TABLE org ENABLE TRIGGER ALL;
TRUNCATE org_log, click;
