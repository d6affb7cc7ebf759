-- Purpose: nobody but the owner writes the tables: default privileges, or grants on version 1, may have let others.
-- Privileges: the owner of the tables.
-- Versions: PostgreSQL 13-18.
DO $pgmig$
#variable_conflict use_column
DECLARE
    given record;
BEGIN
    FOR given IN
        SELECT DISTINCT c.oid, coalesce(pg_catalog.quote_ident(r.rolname::pg_catalog.text), 'PUBLIC') AS grantee
          FROM pg_catalog.pg_class c
          CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) AS x
          LEFT JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) x.grantee
         WHERE c.relnamespace OPERATOR(pg_catalog.=) :'quoted'::pg_catalog.regnamespace::pg_catalog.oid
           AND c.relname OPERATOR(pg_catalog.=) ANY
               ('{schema_migrations,schema_audit,evidence,tracking_head}'::pg_catalog.name[])
           AND x.grantee OPERATOR(pg_catalog.<>) c.relowner
    LOOP
        EXECUTE pg_catalog.format('REVOKE INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON %s FROM %s',
                                  given.oid::pg_catalog.regclass, given.grantee);
    END LOOP;
END $pgmig$
