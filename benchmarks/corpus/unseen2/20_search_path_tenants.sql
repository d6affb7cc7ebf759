-- setup
-- multi-tenant by schema; the migration runner sets search_path
CREATE SCHEMA shared;
CREATE SCHEMA acme;
CREATE SCHEMA globex;
SET search_path = shared;
CREATE TABLE plan (id int PRIMARY KEY, name text NOT NULL, price int);
INSERT INTO plan VALUES (1, 'free', 0), (2, 'pro', 20);
SET search_path = acme, shared;
CREATE TABLE users (id serial PRIMARY KEY, email text, plan_id int REFERENCES plan);
INSERT INTO users (email, plan_id) SELECT 'u' || g || '@acme', 1 + g % 2 FROM generate_series(1, 25) g;
SET search_path = globex, shared;
-- test
SET search_path = shared;
SET search_path = acme, shared;
SET search_path = globex, shared;

-- fails: users lives in acme only
ALTER TABLE users ADD COLUMN locale text;
CREATE TABLE users (LIKE acme.users INCLUDING ALL);
INSERT INTO users (email, plan_id) SELECT 'u' || g || '@globex', 1 FROM generate_series(1, 10) g;
-- a table that hides shared.plan from now on
CREATE TABLE plan (id int PRIMARY KEY, name text, price numeric, discount int DEFAULT 0);
-- fails: globex.plan is empty, so the new foreign key finds nothing
ALTER TABLE users ADD FOREIGN KEY (plan_id) REFERENCES plan (id);
INSERT INTO plan SELECT * FROM shared.plan;
ALTER TABLE users ADD CONSTRAINT users_plan_fk FOREIGN KEY (plan_id) REFERENCES plan (id);
UPDATE plan SET discount = 10 WHERE price > 0;
SET search_path = acme, shared;
-- fails: resolves to shared.plan, which has no discount
UPDATE plan SET discount = 10 WHERE price > 0;
BEGIN;
SET LOCAL search_path = globex;
ALTER TABLE users ADD COLUMN locale text DEFAULT 'en';
COMMIT;
-- back to acme after commit
ALTER TABLE users ADD COLUMN timezone text;
-- fails: SET LOCAL is over, acme.users has no locale
UPDATE users SET locale = 'de';
SELECT set_config('search_path', 'globex', false);
UPDATE users SET locale = 'fr' WHERE id < 5;
SHOW search_path;
CREATE FUNCTION shared.user_count() RETURNS bigint LANGUAGE sql SET search_path = acme AS 'SELECT count(*) FROM users';
SELECT shared.user_count() = 25 AS pinned;
SET search_path = '';
-- fails: nothing but pg_catalog visible
DELETE FROM users;
DELETE FROM globex.users WHERE id = 1;
SET search_path TO "$user", public;
ALTER SCHEMA globex RENAME TO globex_old;
-- fails: schema renamed
TRUNCATE globex.users;
ALTER TABLE globex_old.users SET SCHEMA public;
DELETE FROM users WHERE plan_id = 1;
-- fails: users in acme references shared.plan
DROP TABLE shared.plan;
DROP SCHEMA acme CASCADE;
-- fails: not empty
DROP SCHEMA shared;
