-- The tables of this database whose rows a dump holds, largest first, with their size in bytes without indexes as of the
-- last VACUUM or ANALYZE (asking for the size of now takes a lock); the size of the whole database, and its locale.
-- Privileges: CONNECT. Versions: 13 to 18.
SELECT pg_catalog.pg_database_size(d.oid)::bigint, d.datcollate, d.datctype,
       coalesce(pg_catalog.to_jsonb(d) ->> 'datlocprovider', 'c'),  -- since 15
       (SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_array(t.schema, t.name, t.bytes)
                                            ORDER BY t.bytes DESC, t.schema, t.name), '[]')::text
        FROM (SELECT n.nspname AS schema, c.relname AS name,
                     (greatest(c.relpages, 0)::bigint + greatest(coalesce(x.relpages, 0), 0))
                     * pg_catalog.current_setting('block_size')::bigint AS bytes
              FROM pg_catalog.pg_class c
              JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
              LEFT JOIN pg_catalog.pg_class x ON x.oid = c.reltoastrelid
              WHERE c.relkind = 'r' AND c.relpersistence <> 't'
                AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
                -- of an extension's own tables a dump holds those rows at most that the extension names
                AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend p
                                WHERE p.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND p.objid = c.oid
                                  AND p.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
                                  AND p.deptype = 'e')) t)
FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()
