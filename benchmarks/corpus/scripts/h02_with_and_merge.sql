-- Writing parts of WITH, RETURNING, upserts, UPDATE … FROM, DELETE … USING.
-- setup
CREATE TABLE inbox (id int PRIMARY KEY, v text); CREATE TABLE outbox (id int PRIMARY KEY, v text, at timestamptz DEFAULT now());
CREATE TABLE seen (id int); INSERT INTO inbox SELECT g, 'v' FROM generate_series(1, 20) g;
-- test
WITH gone AS (DELETE FROM inbox WHERE id < 5 RETURNING id, v) INSERT INTO outbox (id, v) SELECT id, v FROM gone;
INSERT INTO outbox (id, v) SELECT id, v FROM inbox ON CONFLICT (id) DO UPDATE SET v = EXCLUDED.v;
INSERT INTO outbox (id, v) VALUES (99, 'x') ON CONFLICT DO NOTHING;
UPDATE inbox SET v = o.v FROM outbox o WHERE o.id = inbox.id;
DELETE FROM inbox USING seen WHERE seen.id = inbox.id;
SELECT * INTO archive FROM inbox;
CREATE TABLE more AS TABLE outbox WITH NO DATA;
CREATE TABLE IF NOT EXISTS more AS SELECT * FROM inbox;
ALTER TABLE archive ADD PRIMARY KEY (id);
WITH a AS (UPDATE inbox SET v = 'q' RETURNING *), b AS (INSERT INTO seen SELECT id FROM a) SELECT count(*) FROM a;
TABLE inbox;
VALUES (1), (2);
EXPLAIN ANALYZE DELETE FROM seen;
EXPLAIN UPDATE inbox SET v = '';
DELETE FROM outbox WHERE id IN (SELECT id FROM seen) RETURNING *;
