-- A taxi platform that only ever does small steps, each with a lock timeout of its own; nothing here should fail.
-- setup
CREATE TABLE driver (id bigint PRIMARY KEY, name text, phone text, rating real); CREATE TABLE ride (id bigint PRIMARY KEY, driver_id bigint, fare numeric(8,2), started timestamptz, ended timestamptz, city text); CREATE INDEX ride_driver ON ride (driver_id);
INSERT INTO driver SELECT g, 'd' || g, '+' || g, 4.5 FROM generate_series(1, 40) g; INSERT INTO ride SELECT g, 1 + g % 40, g % 50, now() - g * interval '1 hour', now(), CASE WHEN g % 4 > 0 THEN 'Köln' END FROM generate_series(1, 400) g;
-- test
SET lock_timeout = '750ms';
SET idle_in_transaction_session_timeout = '30s';
ALTER TABLE ride ADD COLUMN currency char(3);
ALTER TABLE ride ALTER COLUMN currency SET DEFAULT 'EUR';
DO $$
DECLARE last bigint := 0; upto bigint;
BEGIN
  LOOP
    SELECT max(id) INTO upto FROM (SELECT id FROM ride WHERE id > last ORDER BY id LIMIT 150) x;
    EXIT WHEN upto IS NULL;
    UPDATE ride SET currency = 'EUR' WHERE id > last AND id <= upto AND currency IS NULL;
    last := upto;
  END LOOP;
END $$;
ALTER TABLE ride ADD CONSTRAINT ride_currency_nn CHECK (currency IS NOT NULL) NOT VALID;
ALTER TABLE ride VALIDATE CONSTRAINT ride_currency_nn;
ALTER TABLE ride ALTER COLUMN currency SET NOT NULL;
ALTER TABLE ride DROP CONSTRAINT ride_currency_nn;
ALTER TABLE ride ADD CONSTRAINT ride_driver_fk FOREIGN KEY (driver_id) REFERENCES driver (id) NOT VALID;
ALTER TABLE ride VALIDATE CONSTRAINT ride_driver_fk;
CREATE INDEX CONCURRENTLY ride_driver_started ON ride (driver_id, started DESC);
DROP INDEX CONCURRENTLY ride_driver;
ALTER INDEX ride_driver_started RENAME TO ride_driver;
CREATE UNIQUE INDEX CONCURRENTLY driver_phone_uq ON driver (phone);
ALTER TABLE driver ADD CONSTRAINT driver_phone_uq UNIQUE USING INDEX driver_phone_uq;
ALTER TABLE driver ALTER COLUMN rating TYPE double precision;
ALTER TABLE ride ADD COLUMN minutes int;
UPDATE ride SET minutes = extract(epoch FROM ended - started)::int / 60 WHERE minutes IS NULL;
ALTER TABLE ride ADD COLUMN tip numeric(6,2) NOT NULL DEFAULT 0;
ALTER TABLE ride ALTER COLUMN fare TYPE numeric(10,2);
BEGIN;
ALTER TABLE ride RENAME COLUMN city TO pickup_city;
CREATE VIEW ride_compat AS SELECT id, driver_id, fare, started, ended, pickup_city AS city FROM ride;
COMMIT;
DROP VIEW ride_compat;
ALTER TABLE ride DROP COLUMN pickup_city;
VACUUM (ANALYZE, INDEX_CLEANUP ON) ride;
RESET lock_timeout;
