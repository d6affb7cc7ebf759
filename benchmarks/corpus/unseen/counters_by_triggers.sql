-- A forum keeps counters by triggers across tables; a release rebuilds them, statement triggers with transition tables come in.
-- setup
CREATE TABLE board (id int PRIMARY KEY, threads int DEFAULT 0, posts int DEFAULT 0); CREATE TABLE thread (id int PRIMARY KEY, board_id int REFERENCES board, posts int DEFAULT 0, title text); CREATE TABLE post (id int PRIMARY KEY, thread_id int REFERENCES thread ON DELETE CASCADE, body text);
CREATE FUNCTION post_counted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF TG_OP = 'INSERT' THEN UPDATE thread SET posts = posts + 1 WHERE id = NEW.thread_id; ELSE UPDATE thread SET posts = posts - 1 WHERE id = OLD.thread_id; END IF; RETURN NULL; END $$;
CREATE FUNCTION thread_counted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE board SET posts = posts + NEW.posts - OLD.posts WHERE id = NEW.board_id; RETURN NULL; END $$;
INSERT INTO board SELECT g FROM generate_series(1, 4) g; INSERT INTO thread SELECT g, 1 + g % 4, 0, 't' || g FROM generate_series(1, 20) g;
CREATE TRIGGER post_counted AFTER INSERT OR DELETE ON post FOR EACH ROW EXECUTE FUNCTION post_counted(); CREATE TRIGGER thread_counted AFTER UPDATE OF posts ON thread FOR EACH ROW EXECUTE FUNCTION thread_counted();
INSERT INTO post SELECT g, 1 + g % 20, 'b' FROM generate_series(1, 100) g;
-- test
INSERT INTO post VALUES (500, 3, 'new');
DELETE FROM post WHERE id = 1;
UPDATE post SET body = 'edited' WHERE id = 2;
BEGIN;
DROP TRIGGER post_counted ON post;
CREATE OR REPLACE FUNCTION post_counted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE thread t SET posts = t.posts + n.n FROM (SELECT thread_id, count(*)::int AS n FROM fresh GROUP BY 1) n WHERE n.thread_id = t.id;
  RETURN NULL;
END $$;
CREATE TRIGGER post_counted AFTER INSERT ON post REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION post_counted();
COMMIT;
INSERT INTO post SELECT 600 + g, 4, 'bulk' FROM generate_series(1, 10) g;
ALTER TABLE post ADD COLUMN hidden boolean DEFAULT false;
CREATE TRIGGER two_events AFTER INSERT OR DELETE ON post REFERENCING NEW TABLE AS n OLD TABLE AS o FOR EACH STATEMENT EXECUTE FUNCTION post_counted();
ALTER TABLE thread DISABLE TRIGGER thread_counted;
UPDATE thread SET posts = (SELECT count(*) FROM post WHERE thread_id = thread.id);
UPDATE board b SET posts = (SELECT coalesce(sum(posts), 0) FROM thread t WHERE t.board_id = b.id), threads = (SELECT count(*) FROM thread t WHERE t.board_id = b.id);
ALTER TABLE thread ENABLE TRIGGER thread_counted;
ALTER TRIGGER post_counted ON post RENAME TO post_counter;
ALTER TABLE thread RENAME COLUMN posts TO post_count;
INSERT INTO post (id, thread_id) VALUES (900, 1);
ALTER TABLE thread RENAME COLUMN post_count TO posts;
ALTER TABLE board DROP COLUMN posts;
INSERT INTO post (id, thread_id) VALUES (900, 1);
DELETE FROM thread WHERE id = 5;
ALTER TABLE thread DROP COLUMN posts;
DROP TRIGGER thread_counted ON thread;
ALTER TABLE thread DROP COLUMN posts;
INSERT INTO post (id, thread_id) VALUES (900, 1);
DROP FUNCTION post_counted() CASCADE;
INSERT INTO post (id, thread_id) VALUES (900, 1);
DELETE FROM board WHERE id = 2;
DELETE FROM thread WHERE board_id = 2;
TRUNCATE board, thread CASCADE;
