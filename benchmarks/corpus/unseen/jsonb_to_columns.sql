-- A SaaS CRM takes the much used keys out of a JSONB blob.
-- setup
CREATE TABLE lead (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), data jsonb NOT NULL DEFAULT '{}', created timestamptz NOT NULL DEFAULT now());
CREATE INDEX lead_data ON lead USING gin (data);
CREATE INDEX lead_email ON lead ((data ->> 'email'));
INSERT INTO lead (data) SELECT jsonb_build_object('email', 'l' || g || '@x.org', 'score', g, 'tags', jsonb_build_array('a', 'b'), 'active', g % 2 = 0) FROM generate_series(1, 120) g;
-- test
\set ON_ERROR_STOP off
\set batch 50
BEGIN;
ALTER TABLE lead
  ADD COLUMN email text,
  ADD COLUMN score int,
  ADD COLUMN active boolean NOT NULL DEFAULT true,
  ADD COLUMN tags text[] NOT NULL DEFAULT ARRAY[]::text[];
COMMIT;
UPDATE lead SET email = data ->> 'email', score = (data ->> 'score')::int, active = (data ->> 'active')::boolean
 WHERE id IN (SELECT id FROM lead WHERE email IS NULL LIMIT :batch);
UPDATE lead SET email = data ->> 'email', score = (data ->> 'score')::int, active = (data ->> 'active')::boolean
 WHERE id IN (SELECT id FROM lead WHERE email IS NULL LIMIT :batch);
UPDATE lead SET email = data ->> 'email', score = (data ->> 'score')::int, active = (data ->> 'active')::boolean WHERE email IS NULL;
UPDATE lead l SET tags = t.tags FROM (SELECT id, array_agg(x ORDER BY x) AS tags FROM lead, jsonb_array_elements_text(data -> 'tags') x GROUP BY id) t WHERE t.id = l.id;
UPDATE lead SET data = data - ARRAY['email', 'score', 'active', 'tags'];
CREATE UNIQUE INDEX CONCURRENTLY lead_email ON lead (lower(email));
CREATE UNIQUE INDEX CONCURRENTLY lead_email_key ON lead (lower(email));
DROP INDEX CONCURRENTLY IF EXISTS lead_email;
DROP INDEX lead_data;
ALTER TABLE lead ADD CONSTRAINT lead_data_is_object CHECK (jsonb_typeof(data) = 'object');
ALTER TABLE lead RENAME COLUMN data TO extra;
ALTER TABLE lead ALTER COLUMN extra DROP NOT NULL, ALTER COLUMN extra DROP DEFAULT;
UPDATE lead SET extra = NULL WHERE extra = '{}';
ALTER TABLE lead ALTER COLUMN score TYPE numeric(6,2) USING score / 100.0;
ALTER TABLE lead ALTER COLUMN tags TYPE varchar(20)[];
ALTER TABLE lead ALTER COLUMN tags TYPE text[];
CREATE VIEW lead_v1 AS SELECT id, jsonb_build_object('email', email, 'score', score) || coalesce(extra, '{}') AS data, created FROM lead;
ALTER TABLE lead DROP COLUMN extra;
ALTER TABLE lead DROP COLUMN extra CASCADE;
SELECT count(*) AS n, count(email) AS with_email FROM lead;
