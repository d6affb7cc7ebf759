-- Deploy documents:20250310_0001_add_search_vector to pg
-- requires: 20250115_0001_create_documents
--
-- Why:      Searching titles for a piece of text reads the whole table and finds too little. The words of title and
--           text go into a column of their own, which an index can search. From here on new and edited documents fill
--           it; the next change fills it for the others.
-- Risk:     Low. No default, so no row is rewritten; ACCESS EXCLUSIVE on dms.documents for milliseconds. A generated
--           column would have rewritten the table.
-- Rollback: The revert drops column, trigger and functions; all can be derived from title and text again.

BEGIN;

ALTER TABLE dms.documents
    ADD COLUMN search_vector tsvector;

CREATE FUNCTION dms.document_vector(title text, body text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT pg_catalog.setweight(pg_catalog.to_tsvector('pg_catalog.english', title), 'A')
        || pg_catalog.setweight(pg_catalog.to_tsvector('pg_catalog.english', body), 'B')
$$;

CREATE FUNCTION dms.set_search_vector() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    NEW.search_vector := dms.document_vector(NEW.title, NEW.body);
    RETURN NEW;
END;
$$;

CREATE TRIGGER documents_set_search_vector
    BEFORE INSERT OR UPDATE OF title, body ON dms.documents
    FOR EACH ROW EXECUTE FUNCTION dms.set_search_vector();

COMMIT;
