-- Deploy documents:20250120_0001_touch_updated_at to pg
-- requires: 20250115_0001_create_documents
--
-- Why:      Two of three clients forget to set updated_at. A trigger doesn't forget.
-- Risk:     Low. CREATE TRIGGER locks dms.documents against writes for a moment; each update costs some microseconds
--           more. It names the columns that people edit, so that data migrations don't make every document look edited.
-- Rollback: The revert drops trigger and function; what they wrote stays.

BEGIN;

CREATE FUNCTION dms.touch_updated_at() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    NEW.updated_at := pg_catalog.now();
    RETURN NEW;
END;
$$;

CREATE TRIGGER documents_touch_updated_at
    BEFORE UPDATE OF folder_id, owner_id, title, body, status ON dms.documents
    FOR EACH ROW EXECUTE FUNCTION dms.touch_updated_at();

COMMIT;
