-- setup

-- test
-- 2024-07: backfill users.email_norm in batches, then enforce. No outer transaction on purpose.
SET lock_timeout = '2s';
SET statement_timeout = '30s';
CREATE TABLE users (id bigserial PRIMARY KEY, email text NOT NULL, plan text, created timestamptz DEFAULT now());
INSERT INTO users (email, plan) SELECT 'USER' || g || '@MAIL.test', (ARRAY['free','pro',NULL])[1 + g % 3] FROM generate_series(1, 5000) g;
ALTER TABLE users ADD COLUMN email_norm text;
CREATE OR REPLACE FUNCTION users_norm() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.email_norm := lower(NEW.email); RETURN NEW; END $$;
CREATE TRIGGER users_norm_trg BEFORE INSERT OR UPDATE OF email ON users FOR EACH ROW EXECUTE FUNCTION users_norm();
CREATE PROCEDURE backfill_norm(batch int DEFAULT 1000) LANGUAGE plpgsql AS $$
DECLARE lo bigint := 0; hi bigint; n bigint;
BEGIN
  SELECT max(id) INTO hi FROM users;
  WHILE lo < hi LOOP
    UPDATE users SET email_norm = lower(email) WHERE id > lo AND id <= lo + batch AND email_norm IS NULL;
    COMMIT;
    lo := lo + batch;
  END LOOP;
END $$;
CALL backfill_norm(1500);
CALL backfill_norm();
SELECT count(*) FROM users WHERE email_norm IS NULL;
-- the hand-rolled variant
UPDATE users SET plan = 'free' WHERE plan IS NULL AND id BETWEEN 1 AND 2500;
UPDATE users SET plan = 'free' WHERE plan IS NULL AND id BETWEEN 2501 AND 5000;
WITH batch AS (SELECT id FROM users WHERE plan = 'pro' ORDER BY id LIMIT 500 FOR UPDATE SKIP LOCKED) UPDATE users u SET plan = 'PRO' FROM batch b WHERE u.id = b.id;
-- enforce NOT NULL without a long exclusive scan
ALTER TABLE users ADD CONSTRAINT users_norm_nn CHECK (email_norm IS NOT NULL) NOT VALID;
ALTER TABLE users VALIDATE CONSTRAINT users_norm_nn;
ALTER TABLE users ALTER COLUMN email_norm SET NOT NULL;
ALTER TABLE users DROP CONSTRAINT users_norm_nn;
CREATE UNIQUE INDEX CONCURRENTLY users_email_norm_uq ON users (email_norm);
ALTER TABLE users ADD CONSTRAINT users_email_norm_key UNIQUE USING INDEX users_email_norm_uq;
VACUUM ANALYZE users;
-- enum by batches of text
DO $$
DECLARE r record;
BEGIN
  FOR r IN SELECT generate_series(0, 4) AS b LOOP
    UPDATE users SET plan = lower(plan) WHERE id % 5 = r.b AND plan <> lower(plan);
    COMMIT;
  END LOOP;
END $$;
ALTER TABLE users ALTER COLUMN plan SET DEFAULT 'free', ALTER COLUMN plan SET NOT NULL;
ALTER TABLE users ALTER COLUMN plan TYPE varchar(8);
DELETE FROM users WHERE id IN (SELECT id FROM users WHERE plan = 'free' ORDER BY id LIMIT 100);
-- bigint is there already, created becomes date: rewrite, and the time of day is lost
ALTER TABLE users ALTER COLUMN created TYPE date;
DROP PROCEDURE backfill_norm(int);
DROP TRIGGER users_norm_trg ON users;
DROP FUNCTION users_norm();
RESET lock_timeout;
RESET ALL;
