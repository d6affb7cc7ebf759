-- setup

-- test
-- Deploy auth:appschema to pg
BEGIN;
CREATE SCHEMA auth;
COMMENT ON SCHEMA auth IS 'sqitch managed';
COMMIT;

-- Deploy auth:users to pg
-- requires: appschema
BEGIN;
SET client_min_messages = 'warning';
CREATE TABLE auth.users (
    nickname  TEXT        PRIMARY KEY,
    password  TEXT        NOT NULL,
    timestamp TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
COMMIT;

-- Verify auth:users on pg
BEGIN;
SELECT nickname, password, timestamp FROM auth.users WHERE FALSE;
SELECT 1/COUNT(*) FROM pg_catalog.pg_namespace WHERE nspname = 'auth';
ROLLBACK;

-- Deploy auth:insert_user to pg
BEGIN;
CREATE OR REPLACE FUNCTION auth.insert_user(nickname TEXT, password TEXT) RETURNS VOID
LANGUAGE SQL SECURITY DEFINER AS $$
    INSERT INTO auth.users VALUES($1, md5($2));
$$;
CREATE OR REPLACE FUNCTION auth.change_pass(nick TEXT, oldpass TEXT, newpass TEXT) RETURNS BOOLEAN
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    UPDATE auth.users SET password = md5($3)
     WHERE nickname = $1 AND password = md5($2);
    RETURN FOUND;
END;
$$;
COMMIT;

-- Verify auth:insert_user on pg
BEGIN;
SELECT has_function_privilege('auth.insert_user(text, text)', 'execute');
ROLLBACK;

SELECT auth.insert_user('theory', 'foo');
SELECT auth.insert_user('sam', 'bar'), auth.insert_user('kim', 'baz');
SELECT auth.change_pass('sam', 'bar', 'quux');

-- Deploy auth:flips to pg
BEGIN;
CREATE TABLE auth.flips (
    id        BIGSERIAL   PRIMARY KEY,
    nickname  TEXT        NOT NULL REFERENCES auth.users(nickname),
    body      TEXT        NOT NULL DEFAULT '' CHECK ( LENGTH(body) <= 180 ),
    timestamp TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp()
);
CREATE VIEW auth.userflips AS
SELECT f.id, u.nickname, f.body, f.timestamp FROM auth.users u JOIN auth.flips f ON u.nickname = f.nickname;
INSERT INTO auth.flips (nickname, body) SELECT 'sam', 'flip ' || g FROM generate_series(1, 25) g;
COMMIT;

-- Deploy auth:hashtags to pg (rework)
BEGIN;
ALTER TABLE auth.flips ADD COLUMN hashtags TEXT[] NOT NULL DEFAULT '{}';
CREATE OR REPLACE VIEW auth.userflips AS
SELECT f.id, u.nickname, f.body, f.timestamp, f.hashtags FROM auth.users u JOIN auth.flips f ON u.nickname = f.nickname;
CREATE INDEX flips_hashtags ON auth.flips USING gin (hashtags);
COMMIT;

-- Revert auth:insert_user from pg
BEGIN;
DROP FUNCTION auth.insert_user(TEXT, TEXT);
COMMIT;

-- Deploy auth:rename_timestamp
BEGIN;
ALTER TABLE auth.users RENAME COLUMN timestamp TO created_at;
ALTER VIEW auth.userflips RENAME COLUMN timestamp TO flipped_at;
DELETE FROM auth.users u WHERE NOT EXISTS (SELECT 1 FROM auth.flips f WHERE f.nickname = u.nickname);
COMMIT;
