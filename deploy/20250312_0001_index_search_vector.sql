-- Deploy documents:20250312_0001_index_search_vector to pg
-- requires: 20250310_0001_add_search_vector
--
-- Why:      Without an index, full-text search reads every document.
-- Risk:     Low. CONCURRENTLY lets reads and writes pass; it waits for the transactions that use the table, twice. It
--           can't run inside a transaction, so it stands alone and without BEGIN and COMMIT. When it fails, an invalid
--           index is left: drop that with the revert script before trying again.
-- Rollback: The revert drops the index, concurrently, too.

CREATE INDEX CONCURRENTLY documents_search_vector_idx ON dms.documents USING gin (search_vector);
