-- A small application's upgrade by hand, with everything in it.
-- setup
CREATE TABLE post (id serial PRIMARY KEY, title text, author text, tags text, created timestamp DEFAULT now());
CREATE TABLE comment (id serial PRIMARY KEY, post int REFERENCES post (id) ON DELETE CASCADE, body text);
INSERT INTO post (title, author, tags) SELECT 't' || g, 'a', 'x,y' FROM generate_series(1, 30) g; INSERT INTO comment (post, body) VALUES (1, 'b');
-- test
CREATE TABLE author (id serial PRIMARY KEY, name text UNIQUE NOT NULL);
INSERT INTO author (name) SELECT DISTINCT author FROM post;
ALTER TABLE post ADD COLUMN author_id int REFERENCES author;
UPDATE post SET author_id = a.id FROM author a WHERE a.name = post.author;
ALTER TABLE post ALTER COLUMN author_id SET NOT NULL, DROP COLUMN author;
ALTER TABLE post ALTER COLUMN tags TYPE text[] USING string_to_array(tags, ',');
CREATE INDEX post_tags ON post USING gin (tags);
ALTER TABLE comment ADD COLUMN approved boolean NOT NULL DEFAULT false;
ALTER TABLE comment RENAME TO comments;
DELETE FROM comments WHERE body IS NULL;
ALTER TABLE post RENAME COLUMN title TO headline;
CREATE VIEW recent AS SELECT headline, name FROM post JOIN author ON author.id = author_id;
DROP TABLE author;
ALTER TABLE post ALTER COLUMN created TYPE timestamptz USING created AT TIME ZONE 'UTC';
ALTER SEQUENCE comment_id_seq RENAME TO comments_id_seq;
