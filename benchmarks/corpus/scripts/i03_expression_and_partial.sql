-- Indexes on expressions, with predicates, of other methods; columns that hang on them.
-- setup
CREATE TABLE doc (id int PRIMARY KEY, title text, body text, data jsonb, span int4range, gone boolean);
INSERT INTO doc SELECT g, 't', 'b', '{}', int4range(g, g + 1), false FROM generate_series(1, 20) g;
-- test
BEGIN;
CREATE INDEX doc_lower ON doc (lower(title) text_pattern_ops) WHERE NOT gone;
CREATE INDEX doc_data ON doc USING gin (data jsonb_path_ops);
CREATE INDEX doc_words ON doc USING gin (to_tsvector('english', body));
CREATE INDEX doc_span ON doc USING gist (span);
CREATE INDEX doc_brin ON doc USING brin (id);
CREATE INDEX ON doc USING hash (title);
CREATE INDEX ON doc (title DESC NULLS LAST) INCLUDE (body);
COMMIT;
ALTER TABLE doc ADD CONSTRAINT apart EXCLUDE USING gist (span WITH &&);
ALTER TABLE doc ALTER COLUMN gone TYPE int USING gone::int;
ALTER TABLE doc DROP COLUMN gone;
DROP INDEX doc_lower;
ALTER TABLE doc DROP COLUMN gone;
ALTER TABLE doc ALTER COLUMN title TYPE varchar(300);
ALTER INDEX doc_title_idx RENAME TO doc_title;
DROP INDEX IF EXISTS doc_title, doc_title_idx1, doc_nothing;
ALTER TABLE doc DROP CONSTRAINT apart;
REINDEX TABLE doc;
