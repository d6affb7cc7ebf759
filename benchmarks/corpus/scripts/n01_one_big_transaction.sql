-- Everything in one BEGIN, in the order in which it came to mind.
-- setup
CREATE TABLE users (id int, email text, created timestamp); INSERT INTO users SELECT g, 'e' || g, now() FROM generate_series(1, 50) g;
CREATE TABLE posts (id int, user_id int, body text); INSERT INTO posts SELECT g, g, 'b' FROM generate_series(1, 50) g;
-- test
BEGIN;
ALTER TABLE users ADD PRIMARY KEY (id);
ALTER TABLE posts ADD PRIMARY KEY (id);
ALTER TABLE posts ADD FOREIGN KEY (user_id) REFERENCES users (id);
ALTER TABLE users ALTER COLUMN email SET NOT NULL;
ALTER TABLE users ADD UNIQUE (email);
CREATE INDEX ON posts (user_id);
CREATE INDEX ON posts (user_id);
UPDATE users SET email = lower(email);
ALTER TABLE users ALTER COLUMN created TYPE timestamptz;
DELETE FROM posts WHERE user_id NOT IN (SELECT id FROM users);
ALTER TABLE posts ALTER COLUMN user_id SET NOT NULL;
END;
