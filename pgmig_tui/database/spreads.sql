-- Purpose: what the planner knows of the columns that a script compares, so that rows can be counted before it runs.
-- Privileges: any role; pg_stats shows the columns that this one may read and no row security hides.
-- Versions: 12 to 18. Values are given as text of the server's own types alone: an output function of somebody's type
--   would be run by that.
SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_array(
    s.schemaname, s.tablename, s.attname, s.null_frac, s.n_distinct, s.avg_width,
    CASE WHEN t.own THEN s.most_common_vals::text::text[] END, s.most_common_freqs,
    CASE WHEN t.own THEN s.histogram_bounds::text::text[] END)), '[]'::pg_catalog.json)
  FROM ROWS FROM (pg_catalog.unnest(%(schemas)s::text[]), pg_catalog.unnest(%(names)s::text[])) AS a(schema, name)
  JOIN pg_catalog.pg_namespace n ON n.nspname = a.schema
  JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = a.name
  JOIN pg_catalog.pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname
    AND s.inherited = (c.relkind = 'p')
  JOIN pg_catalog.pg_attribute b ON b.attrelid = c.oid AND b.attname = s.attname
  CROSS JOIN LATERAL (SELECT y.typnamespace = 'pg_catalog'::pg_catalog.regnamespace AND y.typtype = 'b'
                             AND y.typcategory IN ('B', 'D', 'N', 'S', 'U') AND y.oid < 16384::oid AS own
                      FROM pg_catalog.pg_type y WHERE y.oid = b.atttypid) t
 WHERE s.attname = ANY (%(compared)s::text[])
