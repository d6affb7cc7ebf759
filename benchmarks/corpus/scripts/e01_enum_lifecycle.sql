-- An enumeration grows, is renamed, is replaced by another one and goes.
-- setup
CREATE TYPE status AS ENUM ('new', 'done');
CREATE TABLE task (id int PRIMARY KEY, status status DEFAULT 'new'); CREATE INDEX task_status ON task (status);
CREATE VIEW open_task AS SELECT * FROM task WHERE status = 'new';
INSERT INTO task VALUES (1, 'new');
-- test
ALTER TYPE status ADD VALUE IF NOT EXISTS 'paused' BEFORE 'done';
ALTER TYPE status ADD VALUE 'paused';
ALTER TYPE status RENAME VALUE 'done' TO 'closed';
UPDATE task SET status = 'paused';
BEGIN;
ALTER TYPE status RENAME TO status_old;
CREATE TYPE status AS ENUM ('new', 'closed', 'paused');
ALTER TABLE task ALTER COLUMN status TYPE status USING status::text::status;
DROP VIEW open_task;
ALTER TABLE task ALTER COLUMN status DROP DEFAULT;
ALTER TABLE task ALTER COLUMN status TYPE status USING status::text::status;
ALTER TABLE task ALTER COLUMN status SET DEFAULT 'new';
DROP TYPE status_old;
COMMIT;
DROP TYPE status;
ALTER TABLE task ALTER COLUMN status TYPE text;
DROP TYPE status;
ALTER TABLE task ALTER COLUMN status SET DEFAULT 'x';
