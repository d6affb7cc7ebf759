-- Least privilege comes to a data warehouse: roles, grants, default privileges, owners.
-- setup
CREATE ROLE dwh_owner_z; CREATE ROLE dwh_etl_z IN ROLE dwh_owner_z; CREATE ROLE dwh_read_z; CREATE ROLE dwh_analyst_z LOGIN IN ROLE dwh_read_z;
CREATE SCHEMA dwh; CREATE TABLE dwh.dim_date (d date PRIMARY KEY, holiday boolean); CREATE TABLE dwh.fact (id bigint GENERATED ALWAYS AS IDENTITY, d date REFERENCES dwh.dim_date, v numeric);
CREATE VIEW dwh.v_fact AS SELECT d, sum(v) AS v FROM dwh.fact GROUP BY d;
CREATE FUNCTION dwh.load() RETURNS int LANGUAGE sql AS $$ INSERT INTO dwh.fact (d, v) VALUES ('2025-01-01', 1); SELECT 1 $$;
INSERT INTO dwh.dim_date SELECT date '2025-01-01' + g, false FROM generate_series(0, 30) g; INSERT INTO dwh.fact (d, v) SELECT '2025-01-02', g FROM generate_series(1, 30) g;
-- test
REVOKE ALL ON SCHEMA public FROM PUBLIC;
ALTER SCHEMA dwh OWNER TO dwh_owner_z;
DO $$ DECLARE r record; BEGIN
  FOR r IN SELECT c.oid::regclass AS rel, c.relkind FROM pg_class c WHERE relnamespace = 'dwh'::regnamespace AND relkind IN ('r', 'v') ORDER BY c.oid LOOP
    EXECUTE 'ALTER TABLE ' || r.rel || ' OWNER TO dwh_owner_z';
  END LOOP;
END $$;
ALTER FUNCTION dwh.load() OWNER TO dwh_owner_z;
GRANT USAGE ON SCHEMA dwh TO dwh_read_z;
GRANT SELECT ON ALL TABLES IN SCHEMA dwh TO dwh_read_z;
GRANT SELECT (d, v), UPDATE (v) ON dwh.fact TO dwh_analyst_z;
REVOKE SELECT ON dwh.fact FROM dwh_read_z;
ALTER DEFAULT PRIVILEGES FOR ROLE dwh_owner_z IN SCHEMA dwh GRANT SELECT ON TABLES TO dwh_read_z;
ALTER DEFAULT PRIVILEGES FOR ROLE dwh_owner_z GRANT USAGE ON SEQUENCES TO dwh_etl_z;
SET ROLE dwh_owner_z;
CREATE TABLE dwh.dim_shop (id int PRIMARY KEY, name text);
ALTER TABLE dwh.fact ADD COLUMN shop_id int REFERENCES dwh.dim_shop;
CREATE TABLE public.scratch (x int);
DROP TABLE dwh.dim_shop CASCADE;
RESET ROLE;
SET SESSION AUTHORIZATION dwh_analyst_z;
SELECT v FROM dwh.fact;
SELECT id FROM dwh.fact;
UPDATE dwh.fact SET v = v + 1 WHERE d = '2025-01-02';
DELETE FROM dwh.fact;
ALTER TABLE dwh.fact ADD COLUMN mine int;
CREATE TEMP TABLE mine AS SELECT d, v FROM dwh.fact;
RESET SESSION AUTHORIZATION;
GRANT EXECUTE ON FUNCTION dwh.load(int) TO dwh_etl_z;
REVOKE EXECUTE ON FUNCTION dwh.load() FROM PUBLIC;
DROP ROLE dwh_analyst_z;
REASSIGN OWNED BY dwh_owner_z TO CURRENT_USER;
DROP OWNED BY dwh_read_z;
COMMENT ON ROLE dwh_etl_z IS 'nightly load';
