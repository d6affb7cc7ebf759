-- A billing clean-up in data-modifying CTEs.
-- setup
CREATE TABLE subscription (id int PRIMARY KEY, plan text, ends date, status text);
CREATE TABLE charge (id int PRIMARY KEY, subscription_id int REFERENCES subscription, cents int, refunded boolean DEFAULT false);
CREATE TABLE refund (charge_id int PRIMARY KEY REFERENCES charge, cents int, at timestamptz DEFAULT now());
CREATE TABLE subscription_history (id int, plan text, ends date, status text, moved timestamptz DEFAULT now());
INSERT INTO subscription SELECT g, 'p' || g % 3, current_date - 30 + g, 'active' FROM generate_series(1, 60) g;
INSERT INTO charge SELECT g, 1 + g % 60, g * 100 FROM generate_series(1, 90) g;
-- test
BEGIN;
WITH ended AS (
  UPDATE subscription SET status = 'ended' WHERE ends < current_date RETURNING id
), r AS (
  INSERT INTO refund (charge_id, cents) SELECT c.id, c.cents / 2 FROM charge c JOIN ended e ON e.id = c.subscription_id WHERE c.cents > 5000 RETURNING charge_id
)
UPDATE charge SET refunded = true FROM r WHERE r.charge_id = charge.id;
WITH x AS (DELETE FROM refund WHERE cents < 2600 RETURNING *) SELECT count(*) FROM x;
WITH old AS (DELETE FROM subscription WHERE status = 'ended' RETURNING *) INSERT INTO subscription_history SELECT * FROM old;
WITH kids AS (DELETE FROM charge WHERE subscription_id IN (SELECT id FROM subscription WHERE status = 'ended') RETURNING id)
DELETE FROM refund WHERE charge_id IN (SELECT id FROM kids);
WITH old AS (DELETE FROM subscription WHERE status = 'ended' RETURNING id, plan, ends, status) INSERT INTO subscription_history SELECT * FROM old;
COMMIT;
CREATE TABLE plan AS WITH p AS (SELECT DISTINCT plan AS code FROM subscription) SELECT * FROM p;
CREATE TABLE plan_bad AS WITH p AS (DELETE FROM charge RETURNING *) SELECT * FROM p;
ALTER TABLE plan ADD PRIMARY KEY (code);
ALTER TABLE subscription ADD CONSTRAINT subscription_plan FOREIGN KEY (plan) REFERENCES plan (code) ON DELETE SET NULL ON UPDATE CASCADE;
WITH u AS (UPDATE plan SET code = 'premium' WHERE code = 'p2' RETURNING code) SELECT * FROM u;
DELETE FROM plan WHERE code = 'p1';
WITH n AS (INSERT INTO plan SELECT 'trial' ON CONFLICT DO NOTHING RETURNING code) UPDATE subscription SET plan = 'trial' WHERE plan IS NULL;
UPDATE subscription SET plan = 'trial' WHERE plan IS NULL;
WITH c AS (SELECT subscription_id, sum(cents) AS cents FROM charge GROUP BY 1), m AS MATERIALIZED (SELECT * FROM c WHERE cents > 10000)
DELETE FROM refund USING m, charge WHERE refund.charge_id = charge.id AND charge.subscription_id = m.subscription_id;
WITH t AS (TRUNCATE charge) SELECT 1;
TRUNCATE charge;
TRUNCATE charge, refund;
DROP TABLE plan;
ALTER TABLE subscription DROP CONSTRAINT subscription_plan;
DROP TABLE plan, subscription_history;
