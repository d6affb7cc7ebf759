-- setup

-- test
-- full text search for the article base
BEGIN;
CREATE TABLE article (id serial PRIMARY KEY, lang regconfig NOT NULL DEFAULT 'english', title text NOT NULL, body text, rating int);
INSERT INTO article (title, body, rating) SELECT 'Title ' || g, 'The quick brown foxes are jumping over lazy dog number ' || g, g % 5 FROM generate_series(1, 80) g;
CREATE TEXT SEARCH CONFIGURATION site (COPY = pg_catalog.english);
CREATE TEXT SEARCH DICTIONARY site_simple (TEMPLATE = pg_catalog.simple, ACCEPT = false);
ALTER TEXT SEARCH CONFIGURATION site ALTER MAPPING FOR asciiword WITH site_simple, english_stem;
ALTER TEXT SEARCH CONFIGURATION site DROP MAPPING FOR url, email;
COMMIT;
ALTER TABLE article ADD COLUMN tsv tsvector;
UPDATE article SET tsv = to_tsvector('site', coalesce(title, '') || ' ' || coalesce(body, ''));
CREATE INDEX CONCURRENTLY article_tsv ON article USING gin (tsv) WITH (fastupdate = off);
CREATE TRIGGER article_tsv_upd BEFORE INSERT OR UPDATE ON article FOR EACH ROW EXECUTE FUNCTION tsvector_update_trigger(tsv, 'public.site', title, body);
INSERT INTO article (title, body) VALUES ('Fresh', 'news about foxes');
SELECT count(*) FROM article WHERE tsv @@ to_tsquery('public.site', 'fox');
-- second approach: generated column; same name, so the old one has to go
BEGIN;
DROP TRIGGER article_tsv_upd ON article;
ALTER TABLE article DROP COLUMN tsv;
ALTER TABLE article ADD COLUMN tsv tsvector GENERATED ALWAYS AS (setweight(to_tsvector('english'::regconfig, title), 'A') || setweight(to_tsvector('english'::regconfig, coalesce(body, '')), 'B')) STORED;
CREATE INDEX article_tsv ON article USING gin (tsv);
COMMIT;
CREATE INDEX article_title_en ON article USING gist (to_tsvector('english', title)) WHERE rating > 2;
ALTER TEXT SEARCH CONFIGURATION site RENAME TO site_old;
ALTER TEXT SEARCH DICTIONARY site_simple (ACCEPT = true);
UPDATE article SET body = body || ' updated' WHERE id <= 40;
CREATE MATERIALIZED VIEW word_stat AS SELECT word, ndoc FROM ts_stat('SELECT tsv FROM public.article');
CREATE INDEX word_stat_word ON word_stat (word text_pattern_ops);
REFRESH MATERIALIZED VIEW word_stat;
ALTER TABLE article ALTER COLUMN tsv SET STATISTICS 0;
ALTER TABLE article ALTER COLUMN lang DROP DEFAULT;
DROP TEXT SEARCH CONFIGURATION site_old;
DROP TEXT SEARCH DICTIONARY site_simple;
DELETE FROM article WHERE rating = 0 OR tsv @@ 'news'::tsquery;
DROP INDEX CONCURRENTLY article_title_en;
VACUUM (ANALYZE) article;
