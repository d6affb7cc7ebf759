-- Purpose: the views through which relations are read, at any depth, themselves included: a row (schema, name) each.
-- Parameter: a text[] of quoted names with their schemas.
-- Privileges: none. Versions: 13 to 18.
WITH RECURSIVE seen(oid) AS (
  -- to_regclass fails in a schema that the role may not look into
  SELECT c.oid FROM pg_catalog.unnest(%s::text[]) AS w
  CROSS JOIN LATERAL pg_catalog.parse_ident(w) AS part
  JOIN pg_catalog.pg_namespace AS n ON n.nspname OPERATOR(pg_catalog.=) part[1]
  JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname OPERATOR(pg_catalog.=) part[2]
  UNION
  SELECT r.ev_class FROM seen
  JOIN pg_catalog.pg_depend AS d ON d.refclassid = 'pg_catalog.pg_class'::regclass
    AND d.refobjid = seen.oid AND d.classid = 'pg_catalog.pg_rewrite'::regclass
  JOIN pg_catalog.pg_rewrite AS r ON r.oid = d.objid)
SELECT n.nspname, c.relname FROM seen
JOIN pg_catalog.pg_class AS c ON c.oid = seen.oid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
