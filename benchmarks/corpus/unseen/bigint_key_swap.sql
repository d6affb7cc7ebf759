-- The int key of a busy table becomes bigint without a rewrite: shadow column, trigger, batches, swap.
-- setup
CREATE TABLE pageview (id serial PRIMARY KEY, url text NOT NULL, seen timestamptz DEFAULT now());
CREATE TABLE pageview_tag (pageview_id int NOT NULL REFERENCES pageview (id), tag text);
INSERT INTO pageview (url) SELECT '/p/' || g FROM generate_series(1, 500) g;
INSERT INTO pageview_tag SELECT g, 't' FROM generate_series(1, 500, 5) g;
-- test
ALTER TABLE pageview ADD COLUMN id_new bigint;
CREATE FUNCTION pageview_id_sync() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.id_new := NEW.id; RETURN NEW; END;
$$;
CREATE TRIGGER pageview_id_sync BEFORE INSERT OR UPDATE ON pageview FOR EACH ROW EXECUTE FUNCTION pageview_id_sync();
DO $$
DECLARE lo int := 0;
BEGIN
  LOOP
    UPDATE pageview SET id_new = id WHERE id > lo AND id <= lo + 100;
    lo := lo + 100;
    EXIT WHEN lo >= (SELECT max(id) FROM pageview);
    COMMIT;
  END LOOP;
END $$;
CREATE UNIQUE INDEX CONCURRENTLY pageview_id_new ON pageview (id_new);
ALTER TABLE pageview ADD CONSTRAINT id_new_there CHECK (id_new IS NOT NULL) NOT VALID;
ALTER TABLE pageview VALIDATE CONSTRAINT id_new_there;
ALTER TABLE pageview_tag ADD COLUMN pageview_id_new bigint;
UPDATE pageview_tag SET pageview_id_new = pageview_id;
BEGIN;
SET LOCAL lock_timeout = '1s';
LOCK TABLE pageview IN ACCESS EXCLUSIVE MODE;
LOCK TABLE ONLY pageview_tag;
ALTER TABLE pageview ALTER COLUMN id_new SET NOT NULL;
DROP TRIGGER pageview_id_sync ON pageview;
ALTER SEQUENCE pageview_id_seq OWNED BY pageview.id_new;
ALTER TABLE pageview ALTER COLUMN id DROP DEFAULT;
ALTER TABLE pageview ALTER COLUMN id_new SET DEFAULT nextval('pageview_id_seq'::regclass);
ALTER SEQUENCE pageview_id_seq AS bigint;
SAVEPOINT pk;
ALTER TABLE pageview DROP CONSTRAINT pageview_pkey;
ROLLBACK TO SAVEPOINT pk;
ALTER TABLE pageview_tag DROP CONSTRAINT pageview_tag_pageview_id_fkey;
ALTER TABLE pageview DROP CONSTRAINT pageview_pkey;
ALTER TABLE pageview ADD CONSTRAINT pageview_pkey PRIMARY KEY USING INDEX pageview_id_new;
ALTER TABLE pageview DROP COLUMN id;
ALTER TABLE pageview RENAME COLUMN id_new TO id;
ALTER TABLE pageview_tag DROP COLUMN pageview_id;
ALTER TABLE pageview_tag RENAME COLUMN pageview_id_new TO pageview_id;
ALTER TABLE pageview_tag ADD CONSTRAINT pageview_tag_fk FOREIGN KEY (pageview_id) REFERENCES pageview NOT VALID;
COMMIT;
ALTER TABLE pageview_tag VALIDATE CONSTRAINT pageview_tag_fk;
ALTER TABLE pageview DROP CONSTRAINT id_new_there;
INSERT INTO pageview (url) VALUES ('/new') RETURNING id;
DROP FUNCTION pageview_id_sync();
DROP SEQUENCE pageview_id_seq;
