-- Purpose: the rows of the chain behind one place up to another, as JSON, each with the name of its table.
-- Privileges: SELECT on the three tables.
-- Versions: 13-18. Statements come behind the step that they belong to.
SELECT r.name, r.told
  FROM (
    SELECT m.seq, 0 AS part, 0 AS n, 'schema_migrations' AS name, pg_catalog.to_jsonb(m)::pg_catalog.text AS told
      FROM ONLY :"schema".schema_migrations AS m WHERE m.seq > :first AND m.seq <= :last
    UNION ALL
    SELECT m.seq, 1, s.id, 'schema_audit', pg_catalog.to_jsonb(s)::pg_catalog.text
      FROM ONLY :"schema".schema_audit AS s JOIN ONLY :"schema".schema_migrations AS m ON m.id = s.migration_id
     WHERE m.seq > :first AND m.seq <= :last
    UNION ALL
    SELECT e.seq, 0, 0, 'evidence', pg_catalog.to_jsonb(e)::pg_catalog.text
      FROM ONLY :"schema".evidence AS e WHERE e.seq > :first AND e.seq <= :last
  ) AS r
 ORDER BY r.seq, r.part, r.n
