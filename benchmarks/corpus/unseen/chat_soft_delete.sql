-- A chat product: soft deletes, threads, reactions to an array, a partial unique index, big backfills.
-- setup
CREATE TABLE channel (id int PRIMARY KEY, name text, topic text);
CREATE TABLE message (id bigint PRIMARY KEY, channel_id int NOT NULL REFERENCES channel ON DELETE RESTRICT, author int, body text, reply_to bigint REFERENCES message ON DELETE SET NULL, sent timestamptz NOT NULL DEFAULT now());
CREATE TABLE reaction (message_id bigint REFERENCES message ON DELETE CASCADE, emoji text, author int, PRIMARY KEY (message_id, emoji, author));
CREATE INDEX message_channel ON message (channel_id, sent DESC);
INSERT INTO channel SELECT g, 'c' || g % 6 FROM generate_series(1, 8) g; INSERT INTO message SELECT g, 1 + g % 8, g % 5, 'b' || g, CASE WHEN g > 50 THEN g - 50 END FROM generate_series(1, 160) g; INSERT INTO reaction SELECT g, 'smile', g % 5 FROM generate_series(1, 160, 3) g;
-- test
ALTER TABLE message ADD COLUMN deleted_at timestamptz, ADD COLUMN edited boolean DEFAULT false;
ALTER TABLE channel ADD COLUMN archived boolean NOT NULL DEFAULT false;
CREATE UNIQUE INDEX CONCURRENTLY channel_name_live ON channel (lower(name)) WHERE NOT archived;
DROP INDEX CONCURRENTLY channel_name_live;
UPDATE channel c SET archived = true WHERE EXISTS (SELECT 1 FROM channel d WHERE d.name = c.name AND d.id < c.id);
CREATE UNIQUE INDEX CONCURRENTLY channel_name_live ON channel (lower(name)) WHERE NOT archived;
ALTER TABLE channel ADD CONSTRAINT channel_name UNIQUE USING INDEX channel_name_live;
ALTER TABLE message ADD COLUMN thread_root bigint;
WITH RECURSIVE t AS (SELECT id, id AS root FROM message WHERE reply_to IS NULL UNION ALL SELECT m.id, t.root FROM message m JOIN t ON m.reply_to = t.id)
UPDATE message SET thread_root = t.root FROM t WHERE t.id = message.id;
ALTER TABLE message ADD FOREIGN KEY (thread_root) REFERENCES message;
DELETE FROM message WHERE id = 7;
UPDATE message SET thread_root = NULL WHERE thread_root = 7 AND id <> 7;
DELETE FROM message WHERE id = 7;
ALTER TABLE message ADD COLUMN reactions jsonb NOT NULL DEFAULT '{}'::jsonb;
UPDATE message m SET reactions = r.j FROM (SELECT message_id, jsonb_object_agg(emoji, n) AS j FROM (SELECT message_id, emoji, count(*) AS n FROM reaction GROUP BY 1, 2) x GROUP BY 1) r WHERE r.message_id = m.id;
DROP TABLE reaction;
BEGIN;
CREATE VIEW message_live AS SELECT id, channel_id, author, body, sent FROM message WHERE deleted_at IS NULL;
CREATE FUNCTION soft_delete() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE message SET deleted_at = now(), body = NULL WHERE id = OLD.id; RETURN NULL; END $$;
CREATE TRIGGER soft_delete BEFORE DELETE ON message FOR EACH ROW WHEN (OLD.deleted_at IS NULL) EXECUTE FUNCTION soft_delete();
COMMIT;
DELETE FROM message WHERE author = 2;
DELETE FROM message_live WHERE author = 3;
ALTER TABLE message ALTER COLUMN body SET NOT NULL;
ALTER TABLE message ADD CONSTRAINT body_or_deleted CHECK (body IS NOT NULL OR deleted_at IS NOT NULL);
DROP INDEX message_channel;
CREATE INDEX CONCURRENTLY message_channel ON message (channel_id, sent DESC) INCLUDE (author) WHERE deleted_at IS NULL;
DELETE FROM channel WHERE id = 1;
TRUNCATE channel;
ALTER TABLE message DISABLE TRIGGER soft_delete;
DELETE FROM message WHERE deleted_at IS NOT NULL;
DROP TABLE message CASCADE;
