-- Revert documents:20250312_0001_index_search_vector from pg
--
-- Why:      Undoes the index; also removes what a failed deploy left.
-- Risk:     Low. CONCURRENTLY lets reads and writes pass; full-text search is slow from now on.
-- Rollback: Deploy again.

DROP INDEX CONCURRENTLY dms.documents_search_vector_idx;
