-- setup

-- test
/* session store: hash by user, each bucket by month. Author: R. Okafor (DBA) */
\set QUIET on
BEGIN;
CREATE SCHEMA sess;
CREATE TABLE sess.session (
  user_id bigint NOT NULL,
  started date NOT NULL,
  token uuid NOT NULL DEFAULT gen_random_uuid(),
  data text
) PARTITION BY HASH (user_id);
CREATE TABLE sess.session_h0 PARTITION OF sess.session FOR VALUES WITH (MODULUS 2, REMAINDER 0) PARTITION BY RANGE (started);
CREATE TABLE sess.session_h1 PARTITION OF sess.session FOR VALUES WITH (MODULUS 2, REMAINDER 1) PARTITION BY RANGE (started);
COMMIT;
-- generate the leaves
SELECT format('CREATE TABLE sess.session_h%s_%s PARTITION OF sess.session_h%s FOR VALUES FROM (%L) TO (%L)',
              h, to_char(m, 'YYYYMM'), h, m::date, (m + interval '1 month')::date)
FROM generate_series(0, 1) h, generate_series(timestamp '2025-01-01', timestamp '2025-03-01', interval '1 month') m
\gexec
INSERT INTO sess.session (user_id, started, data) SELECT g, date '2025-01-01' + g % 85, 'd' || g FROM generate_series(1, 500) g;
ALTER TABLE sess.session ADD PRIMARY KEY (user_id, started, token);
CREATE INDEX session_token ON sess.session (token);
ALTER TABLE sess.session ADD COLUMN ip inet;
ALTER TABLE sess.session ALTER COLUMN data SET STORAGE EXTERNAL;
-- refine h1 from modulus 2 to modulus 4
BEGIN;
ALTER TABLE sess.session DETACH PARTITION sess.session_h1;
CREATE TABLE sess.session_h1a PARTITION OF sess.session FOR VALUES WITH (MODULUS 4, REMAINDER 1);
CREATE TABLE sess.session_h1b PARTITION OF sess.session FOR VALUES WITH (MODULUS 4, REMAINDER 3);
INSERT INTO sess.session SELECT * FROM sess.session_h1;
DROP TABLE sess.session_h1;
COMMIT;
ALTER TABLE sess.session_h0 DETACH PARTITION sess.session_h0_202501 CONCURRENTLY;
ALTER TABLE sess.session_h0_202501 RENAME TO archive_h0_202501;
ALTER TABLE sess.archive_h0_202501 SET SCHEMA public;
ALTER TABLE sess.session ALTER COLUMN ip SET DEFAULT '127.0.0.1';
UPDATE sess.session SET ip = '10.0.0.1' WHERE started >= '2025-03-01';
CREATE INDEX session_ip ON ONLY sess.session (ip);
ANALYZE sess.session;
VACUUM sess.session_h1a;
TRUNCATE ONLY public.archive_h0_202501;
DELETE FROM sess.session WHERE user_id % 10 = 0;
ALTER INDEX sess.session_token RENAME TO session_token_idx;
REINDEX INDEX sess.session_token_idx;
DROP INDEX sess.session_ip;
ALTER TABLE sess.session DROP COLUMN data;
