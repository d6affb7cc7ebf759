-- setup
-- the deploy user is not what you think it is
CREATE ROLE s29_deploy NOSUPERUSER;
CREATE ROLE s29_group;
-- test

GRANT s29_group TO s29_deploy;
CREATE SCHEMA core;
CREATE TABLE core.account (id int PRIMARY KEY, owner_name text, balance numeric);
CREATE TABLE core.transfer (id int PRIMARY KEY, from_acc int REFERENCES core.account, amount numeric);
INSERT INTO core.account SELECT g, 'o' || g, g * 10 FROM generate_series(1, 20) g;
INSERT INTO core.transfer SELECT g, g, 1 FROM generate_series(1, 20) g;
CREATE VIEW core.rich AS SELECT * FROM core.account WHERE balance > 100;
CREATE VIEW core.rich_inv WITH (security_invoker = true) AS SELECT * FROM core.account WHERE balance > 100;
GRANT SELECT ON core.rich, core.rich_inv TO s29_group;
SET ROLE s29_deploy;
-- fails: no USAGE on the schema
SELECT count(*) FROM core.rich;
RESET ROLE;
GRANT USAGE ON SCHEMA core TO s29_group;
SET ROLE s29_deploy;
SELECT count(*) FROM core.rich;
-- fails: security invoker view, base table not granted
SELECT count(*) FROM core.rich_inv;
-- fails: must be owner
ALTER TABLE core.account ADD COLUMN iban text;
-- fails: no UPDATE through the view either
UPDATE core.rich SET balance = 0;
-- fails: must be owner of the table to index it
CREATE INDEX account_owner ON core.account (owner_name);
BEGIN;
-- fails: no rights to lock
LOCK TABLE core.account IN EXCLUSIVE MODE;
ROLLBACK;
-- fails: must be owner
DROP TABLE core.transfer;
CREATE TEMP TABLE mine AS SELECT * FROM core.rich;
DELETE FROM mine;
RESET ROLE;
ALTER TABLE core.account OWNER TO s29_group;
SET ROLE s29_deploy;
-- membership makes it the owner now
ALTER TABLE core.account ADD COLUMN iban text;
-- fails: used by the views, owner or not
ALTER TABLE core.account ALTER COLUMN balance TYPE numeric(12,2);
-- fails: no CREATE on schema core, needed for renaming
ALTER TABLE core.account RENAME TO acct;
-- fails: the cascade needs TRUNCATE on transfer, too
TRUNCATE core.account CASCADE;
UPDATE core.account SET balance = balance + 1 WHERE id = 1;
-- fails: no TRIGGER right on transfer
CREATE TRIGGER t BEFORE UPDATE ON core.transfer FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
BEGIN;
LOCK TABLE core.account IN ACCESS EXCLUSIVE MODE;
COMMIT;
RESET ROLE;
DROP TABLE core.account CASCADE;
DROP OWNED BY s29_deploy, s29_group;
DROP ROLE s29_deploy, s29_group;
