-- Purpose: rows of version 1 become the beginning of the chain (what has happened to them before, nobody witnesses), and
--   whoever could write them may call the functions.
-- Privileges: the owner of the tables.
-- Versions: PostgreSQL 13-18.
DO $pgmig$
#variable_conflict use_column
DECLARE
    m :"schema".schema_migrations;
    a text;
    head :"schema".tracking_head;
    given record;
BEGIN
    SELECT h.* INTO head FROM :"schema".tracking_head AS h;
    FOR m IN SELECT x.* FROM ONLY :"schema".schema_migrations AS x ORDER BY x.id LOOP
        SELECT :statements INTO a FROM ONLY :"schema".schema_audit AS s
         WHERE s.migration_id OPERATOR(pg_catalog.=) m.id;
        head.seq := head.seq OPERATOR(pg_catalog.+) 1::pg_catalog.int8;
        m.seq := head.seq;
        m.prev_hash := head.hash;
        m.hash := pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(
                    :step, 'UTF8')), 'hex');
        head.hash := m.hash;
        UPDATE ONLY :"schema".schema_migrations AS x SET seq = m.seq, prev_hash = m.prev_hash, hash = m.hash
         WHERE x.id OPERATOR(pg_catalog.=) m.id;
    END LOOP;
    UPDATE ONLY :"schema".tracking_head AS h SET seq = head.seq, hash = head.hash;
    FOR given IN
        SELECT DISTINCT r.rolname AS grantee
          FROM pg_catalog.pg_class c
          CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) AS x
          JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) x.grantee
         WHERE c.oid OPERATOR(pg_catalog.=) :'relation'::pg_catalog.regclass
           AND x.grantee OPERATOR(pg_catalog.<>) c.relowner AND x.privilege_type OPERATOR(pg_catalog.=) 'INSERT'
    LOOP
        EXECUTE pg_catalog.format('GRANT EXECUTE ON FUNCTION %1$s.record_step(jsonb, text[]), %1$s.answer_step(jsonb),'
            ' %1$s.record_evidence(jsonb), %1$s.tables_shape(oid[]) TO %2$I', :'quoted', given.grantee);
    END LOOP;
END $pgmig$
