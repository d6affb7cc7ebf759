-- setup

-- test
-- warehouse load: set-based changes
BEGIN;
CREATE TABLE dim_customer (sk serial PRIMARY KEY, nk int NOT NULL, name text, valid_from date NOT NULL, valid_to date, is_current boolean NOT NULL DEFAULT true);
CREATE TABLE stg_customer (nk int PRIMARY KEY, name text, deleted boolean DEFAULT false);
CREATE TABLE fact_order (id int PRIMARY KEY, cust_sk int REFERENCES dim_customer, amount numeric, loaded_at timestamptz DEFAULT now());
CREATE TABLE history (LIKE fact_order INCLUDING DEFAULTS, moved_at timestamptz DEFAULT now());
INSERT INTO dim_customer (nk, name, valid_from) SELECT g, 'N' || g, '2023-01-01' FROM generate_series(1, 50) g;
INSERT INTO stg_customer SELECT g, 'N' || g || CASE WHEN g % 5 = 0 THEN '*' ELSE '' END, g % 11 = 0 FROM generate_series(1, 70) g;
INSERT INTO fact_order SELECT g, 1 + g % 50, g FROM generate_series(1, 200) g;
COMMIT;
MERGE INTO dim_customer d USING stg_customer s ON d.nk = s.nk AND d.is_current
WHEN MATCHED AND s.deleted THEN UPDATE SET is_current = false, valid_to = current_date
WHEN MATCHED AND d.name <> s.name THEN UPDATE SET name = s.name
WHEN NOT MATCHED AND NOT s.deleted THEN INSERT (nk, name, valid_from) VALUES (s.nk, s.name, current_date)
WHEN NOT MATCHED THEN DO NOTHING;
WITH closed AS (
  UPDATE dim_customer SET valid_to = current_date, is_current = false WHERE nk <= 5 RETURNING nk, name
)
INSERT INTO dim_customer (nk, name, valid_from) SELECT nk, name || ' v2', current_date FROM closed;
WITH old AS (DELETE FROM fact_order WHERE id <= 100 RETURNING *)
INSERT INTO history (id, cust_sk, amount, loaded_at) SELECT id, cust_sk, amount, loaded_at FROM old;
WITH RECURSIVE t(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t WHERE n < 10) UPDATE fact_order f SET amount = f.amount + t.n FROM t WHERE f.id = 100 + t.n;
WITH a AS (DELETE FROM stg_customer WHERE deleted RETURNING nk), b AS (INSERT INTO history (id, amount) SELECT 1000 + nk, 0 FROM a RETURNING id) SELECT count(*) FROM b;
CREATE TABLE top_customers AS SELECT cust_sk, sum(amount) AS total FROM fact_order GROUP BY 1 ORDER BY 2 DESC LIMIT 10;
SELECT d.*, 0::bigint AS orders INTO TABLE dim_backup FROM dim_customer d WHERE is_current;
CREATE TABLE IF NOT EXISTS top_customers AS SELECT 1;
CREATE UNLOGGED TABLE empty_copy AS TABLE history WITH NO DATA;
UPDATE dim_customer d SET name = coalesce(s.name, 'unknown') FROM stg_customer s WHERE s.nk = d.nk AND d.name IS DISTINCT FROM s.name;
UPDATE fact_order SET (amount, loaded_at) = (SELECT 0, now()) WHERE cust_sk IN (SELECT sk FROM dim_customer WHERE NOT is_current);
DELETE FROM history h USING fact_order f WHERE h.cust_sk = f.cust_sk AND h.amount < 10;
INSERT INTO stg_customer (nk, name) VALUES (1, 'again'), (500, 'new') ON CONFLICT (nk) DO UPDATE SET name = EXCLUDED.name;
INSERT INTO stg_customer (nk) SELECT nk FROM dim_customer ON CONFLICT DO NOTHING;
MERGE INTO ONLY fact_order AS t USING (SELECT id, amount FROM history) AS s ON t.id = s.id WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT (id, amount) VALUES (s.id, s.amount);
EXPLAIN (COSTS OFF) DELETE FROM fact_order;
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) DELETE FROM fact_order WHERE id % 2 = 0;
BEGIN;
ALTER TABLE dim_customer ADD COLUMN hash text;
WITH h AS (SELECT sk, md5(name) AS m FROM dim_customer) UPDATE dim_customer SET hash = h.m FROM h WHERE h.sk = dim_customer.sk;
ALTER TABLE dim_customer ALTER COLUMN hash SET NOT NULL;
COMMIT;
ALTER TABLE dim_backup ADD PRIMARY KEY (sk);
DROP TABLE stg_customer, empty_copy;
VALUES (1, 'done');
