-- A mobile app backend: flags from an array to rows and bits, device tokens deduplicated, an advisory of retention.
-- setup
CREATE TABLE app_user (id bigint PRIMARY KEY, flags text[] NOT NULL DEFAULT '{}', settings json, last_seen timestamp); CREATE TABLE push_token (user_id bigint, token text, platform text, created timestamptz DEFAULT now()); CREATE TABLE install (token text, version text);
INSERT INTO app_user SELECT g, CASE WHEN g % 3 = 0 THEN '{beta,dark}'::text[] WHEN g % 3 = 1 THEN '{beta}' ELSE '{}' END, '{"lang": "en", "tz": "UTC"}', now() - g * interval '10 days' FROM generate_series(1, 90) g; INSERT INTO push_token SELECT 1 + g % 100, 'tok' || g % 150, 'ios' FROM generate_series(1, 300) g; INSERT INTO install SELECT 'tok' || 140 + g, '1.' || g FROM generate_series(1, 20) g;
-- test
CREATE TABLE user_flag (user_id bigint NOT NULL, flag text NOT NULL, since date DEFAULT current_date);
INSERT INTO user_flag (user_id, flag) SELECT id, unnest(flags) FROM app_user;
ALTER TABLE user_flag ADD PRIMARY KEY (user_id, flag);
ALTER TABLE user_flag ADD FOREIGN KEY (user_id) REFERENCES app_user ON DELETE CASCADE;
CREATE INDEX CONCURRENTLY user_flag_flag ON user_flag USING btree (flag) WITH (fillfactor = 80);
ALTER TABLE app_user DROP COLUMN flags;
DELETE FROM push_token t WHERE NOT EXISTS (SELECT 1 FROM app_user u WHERE u.id = t.user_id);
ALTER TABLE push_token ADD CONSTRAINT push_token_user FOREIGN KEY (user_id) REFERENCES app_user ON DELETE CASCADE;
DELETE FROM push_token a USING (SELECT token, min(ctid) AS keep FROM push_token GROUP BY token) b WHERE a.token = b.token AND a.ctid <> b.keep;
ALTER TABLE push_token ADD PRIMARY KEY (token);
ALTER TABLE install ADD CONSTRAINT install_token FOREIGN KEY (token) REFERENCES push_token (token);
DELETE FROM install i WHERE NOT EXISTS (SELECT FROM push_token p WHERE p.token = i.token);
ALTER TABLE install ADD CONSTRAINT install_token FOREIGN KEY (token) REFERENCES push_token (token) ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE app_user ALTER COLUMN settings TYPE jsonb;
ALTER TABLE app_user ALTER COLUMN settings SET DEFAULT '{}', ALTER COLUMN settings SET NOT NULL;
ALTER TABLE app_user ADD COLUMN lang text GENERATED ALWAYS AS (settings ->> 'lang') STORED;
CREATE INDEX CONCURRENTLY app_user_lang ON app_user (lang);
ALTER TABLE app_user ALTER COLUMN settings TYPE json;
ALTER TABLE app_user ALTER COLUMN last_seen TYPE timestamptz USING last_seen AT TIME ZONE 'UTC';
ALTER TABLE app_user ALTER COLUMN last_seen TYPE date;
ALTER TABLE push_token ADD COLUMN platform_code "char";
UPDATE push_token SET platform_code = left(platform, 1)::"char";
ALTER TABLE push_token ALTER COLUMN platform_code SET NOT NULL, DROP COLUMN platform;
WITH stale AS (SELECT id FROM app_user WHERE last_seen < current_date - 700)
DELETE FROM app_user WHERE id IN (TABLE stale);
UPDATE push_token SET token = 'new-' || token WHERE token IN ('tok1', 'tok2');
CREATE OR REPLACE FUNCTION has_flag(u bigint, f text) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE RETURN EXISTS (SELECT FROM user_flag WHERE user_id = u AND flag = f);
SELECT has_flag(3, 'dark');
ALTER TABLE user_flag DROP COLUMN flag;
DROP FUNCTION has_flag;
ALTER TABLE user_flag DROP COLUMN flag;
ALTER TABLE user_flag ADD COLUMN flag text NOT NULL;
ALTER TABLE user_flag ADD COLUMN flag text NOT NULL DEFAULT 'beta';
REINDEX TABLE CONCURRENTLY user_flag;
TRUNCATE TABLE push_token;
TRUNCATE TABLE push_token CASCADE;
