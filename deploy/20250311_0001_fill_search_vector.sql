-- Deploy documents:20250311_0001_fill_search_vector to pg
-- requires: 20250310_0001_add_search_vector
--
-- Why:      Fills search_vector for the documents that were there before its trigger.
-- Risk:     Low for others, long for us. Each batch is a transaction of its own, so row locks are held for a second or
--           less, and a cancelled run loses one batch. For that reason there is no BEGIN and COMMIT around it. It may
--           be run again at any time: filled documents are skipped. Every row is written once: expect WAL and dead rows
--           of the table's size.
-- Rollback: The revert empties the column in batches and drops the procedure.

-- No SET search_path here: a procedure that has one can't COMMIT. So every name is qualified.
CREATE OR REPLACE PROCEDURE dms.fill_search_vector(batch_size integer)
LANGUAGE plpgsql
AS $$
DECLARE
    last_id bigint := 0;
    next_id bigint;
BEGIN
    LOOP
        WITH batch AS (
            SELECT documents.id
              FROM dms.documents
             WHERE documents.id > last_id AND documents.search_vector IS NULL
             ORDER BY documents.id
             LIMIT batch_size
        ), filled AS (
            UPDATE dms.documents
               SET search_vector = dms.document_vector(documents.title, documents.body)
              FROM batch
             WHERE documents.id = batch.id
            RETURNING documents.id
        )
        SELECT pg_catalog.max(filled.id) INTO next_id FROM filled;
        EXIT WHEN next_id IS NULL;
        last_id := next_id;
        COMMIT;
        RAISE NOTICE 'search_vector is filled up to document %', last_id;
    END LOOP;
END;
$$;

CALL dms.fill_search_vector(10000);
