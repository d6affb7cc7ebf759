-- setup
-- reporting layer, rebuilt nightly
CREATE TABLE sales (id bigint PRIMARY KEY, sold_on date NOT NULL, shop int NOT NULL, amount numeric(12,2));
INSERT INTO sales SELECT g, date '2024-01-01' + (g % 120), g % 7, g % 500 FROM generate_series(1, 3000) g;
CREATE MATERIALIZED VIEW mv_daily AS SELECT sold_on, shop, sum(amount) AS total FROM sales GROUP BY 1, 2;
CREATE MATERIALIZED VIEW mv_monthly AS SELECT date_trunc('month', sold_on)::date AS mon, sum(total) AS total FROM mv_daily GROUP BY 1 WITH NO DATA;
-- test

-- fails: materialized view has not been populated
SELECT * FROM mv_monthly;
-- fails: concurrently cannot be used when not populated
REFRESH MATERIALIZED VIEW CONCURRENTLY mv_monthly;
REFRESH MATERIALIZED VIEW mv_monthly;
-- fails: no unique index
REFRESH MATERIALIZED VIEW CONCURRENTLY mv_daily;
CREATE UNIQUE INDEX mv_daily_uq ON mv_daily (sold_on, shop);
REFRESH MATERIALIZED VIEW CONCURRENTLY mv_daily;
-- fails: cannot change materialized view
DELETE FROM mv_daily WHERE shop = 3;
-- fails: cannot refresh a plain table
REFRESH MATERIALIZED VIEW sales;
CREATE VIEW v_top AS SELECT mon, total FROM mv_monthly ORDER BY total DESC LIMIT 3;
ALTER MATERIALIZED VIEW mv_daily RENAME COLUMN total TO revenue;
-- fails: no such index
ALTER MATERIALIZED VIEW mv_monthly CLUSTER ON mv_monthly_mon;
CREATE UNIQUE INDEX mv_monthly_mon ON mv_monthly (mon);
CLUSTER mv_monthly USING mv_monthly_mon;
ALTER MATERIALIZED VIEW mv_daily SET (autovacuum_enabled = off);
VACUUM ANALYZE mv_daily;
-- fails: column used by materialized view
ALTER TABLE sales ALTER COLUMN amount TYPE numeric(14,2);
ALTER TABLE sales ALTER COLUMN id TYPE numeric;
ALTER TABLE sales RENAME TO sales_fact;
REFRESH MATERIALIZED VIEW mv_daily WITH DATA;
-- swap in a new definition under the old name
BEGIN;
CREATE MATERIALIZED VIEW mv_daily_new AS SELECT sold_on, shop, sum(amount) AS revenue, count(*) AS n FROM sales_fact GROUP BY 1, 2;
CREATE UNIQUE INDEX mv_daily_new_uq ON mv_daily_new (sold_on, shop);
ALTER MATERIALIZED VIEW mv_daily RENAME TO mv_daily_old;
ALTER MATERIALIZED VIEW mv_daily_new RENAME TO mv_daily;
COMMIT;
-- fails: mv_monthly still hangs on the old one (dependencies follow the object, not the name)
DROP MATERIALIZED VIEW mv_daily_old;
REFRESH MATERIALIZED VIEW mv_daily WITH NO DATA;
DROP MATERIALIZED VIEW mv_daily_old CASCADE;
-- fails: went with the cascade
SELECT * FROM v_top;
-- fails: sales was renamed
TRUNCATE sales;
DROP MATERIALIZED VIEW IF EXISTS mv_monthly, mv_daily;
