-- Row security: policies with subqueries, what drops with them.
-- setup
CREATE TABLE tenant (id int PRIMARY KEY, name text);
CREATE TABLE paper (id int PRIMARY KEY, tenant int REFERENCES tenant, title text);
CREATE FUNCTION me() RETURNS int LANGUAGE sql STABLE AS $$ SELECT 1 $$;
-- test
ALTER TABLE paper ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON paper FOR ALL USING (tenant = me());
CREATE POLICY named ON paper FOR SELECT USING (EXISTS (SELECT FROM tenant t WHERE t.id = paper.tenant));
CREATE POLICY named ON paper FOR SELECT USING (true);
ALTER POLICY mine ON paper TO CURRENT_USER USING (tenant > 0);
ALTER POLICY mine ON paper RENAME TO own;
ALTER TABLE paper FORCE ROW LEVEL SECURITY;
DROP FUNCTION me();
ALTER TABLE paper ALTER COLUMN tenant TYPE bigint;
ALTER TABLE paper DROP COLUMN tenant;
DROP POLICY named ON paper;
DROP POLICY IF EXISTS named ON paper;
ALTER TABLE paper DROP COLUMN tenant CASCADE;
ALTER TABLE paper NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY;
DROP TABLE tenant;
