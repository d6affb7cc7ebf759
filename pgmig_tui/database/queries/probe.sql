-- Purpose: is a lock that was taken through another address seen here, and what answers here.
-- Privileges: any login role.
-- Versions: 13-18.
-- Parameters: high, low (the halves of the key of an advisory lock).
SELECT EXISTS (
           SELECT FROM pg_catalog.pg_locks l
            WHERE l.locktype OPERATOR(pg_catalog.=) 'advisory'::pg_catalog.text
              AND l.classid OPERATOR(pg_catalog.=) %(high)s::pg_catalog.int8::pg_catalog.oid
              AND l.objid OPERATOR(pg_catalog.=) %(low)s::pg_catalog.int8::pg_catalog.oid
              AND l.objsubid OPERATOR(pg_catalog.=) 1::pg_catalog.int2 AND l.granted),
       pg_catalog.pg_is_in_recovery(), pg_catalog.current_database()::pg_catalog.text
