-- Revert documents:20250311_0001_fill_search_vector from pg
--
-- Why:      Empties search_vector, in batches like those that filled it, and drops the procedure.
-- Risk:     Search over search_vector finds nothing from now on; revert the search function first, as the plan's order
--           does. What is lost can be derived again.
-- Rollback: Deploy again.

DO $$
DECLARE
    last_id bigint := 0;
    next_id bigint;
BEGIN
    LOOP
        WITH batch AS (
            SELECT documents.id
              FROM dms.documents
             WHERE documents.id > last_id AND documents.search_vector IS NOT NULL
             ORDER BY documents.id
             LIMIT 10000
        ), emptied AS (
            UPDATE dms.documents
               SET search_vector = NULL
              FROM batch
             WHERE documents.id = batch.id
            RETURNING documents.id
        )
        SELECT pg_catalog.max(emptied.id) INTO next_id FROM emptied;
        EXIT WHEN next_id IS NULL;
        last_id := next_id;
        COMMIT;
    END LOOP;
END;
$$;

DROP PROCEDURE dms.fill_search_vector(integer);
