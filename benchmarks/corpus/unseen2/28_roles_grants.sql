-- setup
-- provisioning
CREATE ROLE "28_app" LOGIN;
CREATE ROLE "28_readonly";
CREATE ROLE "28_migrator" CREATEROLE INHERIT;
-- test

-- fails: role exists
CREATE ROLE "28_readonly" NOLOGIN;
CREATE SCHEMA crm AUTHORIZATION "28_migrator";
SET SESSION AUTHORIZATION "28_migrator";
CREATE TABLE crm.lead (id serial PRIMARY KEY, name text, secret text);
INSERT INTO crm.lead (name, secret) SELECT 'L' || g, md5(g::text) FROM generate_series(1, 30) g;
CREATE FUNCTION crm.purge() RETURNS void LANGUAGE sql SECURITY DEFINER AS 'DELETE FROM crm.lead WHERE id > 20';
REVOKE ALL ON FUNCTION crm.purge() FROM PUBLIC;
GRANT USAGE ON SCHEMA crm TO "28_app", "28_readonly";
GRANT SELECT (id, name) ON crm.lead TO "28_readonly";
GRANT SELECT, INSERT, UPDATE ON crm.lead TO "28_app" WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES IN SCHEMA crm GRANT SELECT ON TABLES TO "28_readonly";
CREATE TABLE crm.note (lead_id int REFERENCES crm.lead, txt text);
-- fails: no rights on public
CREATE TABLE public.oops (a int);
RESET SESSION AUTHORIZATION;
SET ROLE "28_readonly";
SELECT id, name FROM crm.lead WHERE id < 3;
-- fails: column secret not granted
SELECT * FROM crm.lead;
SELECT count(*) FROM crm.note;
RESET ROLE;
SET ROLE "28_app";
-- fails: no USAGE on the sequence
INSERT INTO crm.lead (name) VALUES ('new');
UPDATE crm.lead SET name = upper(name) WHERE id = 1;
-- fails: no DELETE
DELETE FROM crm.lead WHERE id = 1;
-- fails: EXECUTE was revoked
SELECT crm.purge();
GRANT SELECT ON crm.lead TO "28_readonly";
RESET ROLE;
-- fails: dependent privileges exist
REVOKE SELECT ON crm.lead FROM "28_app";
REVOKE GRANT OPTION FOR SELECT ON crm.lead FROM "28_app" CASCADE;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA crm TO "28_app";
GRANT EXECUTE ON FUNCTION crm.purge() TO "28_app";
SET ROLE "28_app";
INSERT INTO crm.lead (name) VALUES ('new');
SELECT crm.purge();
RESET ROLE;
-- fails: role owns objects and has privileges
DROP ROLE "28_migrator";
ALTER TABLE crm.note OWNER TO "28_app";
REASSIGN OWNED BY "28_migrator" TO CURRENT_USER;
DROP OWNED BY "28_app";
DROP OWNED BY "28_readonly", "28_migrator";
DROP ROLE "28_app", "28_readonly", "28_migrator";
-- fails: its table went with DROP OWNED
SELECT * FROM crm.note;
