-- setup
-- tenants by row level security
CREATE ROLE s27_tenant NOLOGIN;
CREATE ROLE s27_admin NOLOGIN BYPASSRLS;
CREATE ROLE s27_owner NOLOGIN;
-- test

GRANT CREATE, USAGE ON SCHEMA public TO s27_owner;
SET ROLE s27_owner;
CREATE TABLE document (id int PRIMARY KEY, tenant text NOT NULL DEFAULT current_setting('app.tenant', true), body text);
INSERT INTO document SELECT g, CASE WHEN g % 2 = 0 THEN 'red' ELSE 'blue' END, 'body ' || g FROM generate_series(1, 40) g;
GRANT SELECT, INSERT, UPDATE, DELETE ON document TO s27_tenant, s27_admin;
ALTER TABLE document ENABLE ROW LEVEL SECURITY;
-- no policy yet: the owner still sees all
SELECT count(*) FROM document;
SET ROLE s27_tenant;
SELECT count(*) FROM document;
DELETE FROM document;
-- fails: row violates row-level security policy
INSERT INTO document VALUES (100, 'red', 'x');
-- fails: must be owner
CREATE POLICY sneaky ON document USING (true);
RESET ROLE;
CREATE POLICY by_tenant ON document USING (tenant = current_setting('app.tenant', true));
CREATE POLICY no_even ON document AS RESTRICTIVE FOR DELETE TO s27_tenant USING (id % 2 = 1);
-- fails: policy exists
CREATE POLICY by_tenant ON document FOR SELECT USING (true);
SET app.tenant = 'blue';
SET ROLE s27_tenant;
INSERT INTO document (id, body) VALUES (101, 'default tenant');
-- fails: other tenant
INSERT INTO document VALUES (102, 'red', 'x');
UPDATE document SET body = 'mine';
-- fails: would move the row to another tenant
UPDATE document SET tenant = 'red' WHERE id = 1;
DELETE FROM document;
-- fails: TRUNCATE was never granted
TRUNCATE document;
SET row_security = off;
-- fails: query would be affected by row-level security
SELECT count(*) FROM document;
RESET row_security;
SET ROLE s27_admin;
DELETE FROM document WHERE id > 30;
RESET ROLE;
ALTER TABLE document FORCE ROW LEVEL SECURITY;
SET ROLE s27_owner;
UPDATE document SET body = 'forced';
ALTER POLICY by_tenant ON document USING (tenant IS NOT NULL) WITH CHECK (tenant <> 'green');
-- fails: WITH CHECK
UPDATE document SET tenant = 'green';
-- fails: policy depends on the column
ALTER TABLE document DROP COLUMN tenant;
ALTER TABLE document DISABLE ROW LEVEL SECURITY;
ALTER TABLE document DROP COLUMN tenant CASCADE;
RESET ROLE;
DROP OWNED BY s27_owner, s27_tenant, s27_admin CASCADE;
DROP ROLE s27_tenant, s27_admin, s27_owner;
