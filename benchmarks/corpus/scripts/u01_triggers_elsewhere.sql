-- Triggers that write to other tables, which have triggers, too.
-- setup
CREATE TABLE account (id int PRIMARY KEY, sum int);
CREATE TABLE history (id int, at timestamptz); CREATE TABLE total (n int); CREATE TABLE mail (body text);
CREATE FUNCTION to_history() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO history VALUES (NEW.id, now()); RETURN NEW; END $$;
CREATE FUNCTION to_total() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE total SET n = n + 1; RETURN NULL; END $$;
CREATE FUNCTION guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN LOCK TABLE mail IN EXCLUSIVE MODE; RETURN NULL; END $$;
CREATE TRIGGER account_history BEFORE INSERT OR UPDATE ON account FOR EACH ROW EXECUTE FUNCTION to_history();
CREATE TRIGGER history_total AFTER INSERT ON history FOR EACH STATEMENT EXECUTE FUNCTION to_total();
INSERT INTO account VALUES (1, 1); INSERT INTO total VALUES (0);
-- test
INSERT INTO account VALUES (2, 5);
CREATE TRIGGER total_mail BEFORE UPDATE ON total FOR EACH STATEMENT EXECUTE FUNCTION guard();
UPDATE account SET sum = 3 WHERE id = 1;
BEGIN;
SET LOCAL session_replication_role = replica;
UPDATE account SET sum = 4;
COMMIT;
ALTER TABLE history DISABLE TRIGGER history_total;
UPDATE account SET sum = 5;
ALTER TABLE history ENABLE REPLICA TRIGGER history_total;
ALTER TABLE account DISABLE TRIGGER USER;
UPDATE account SET sum = 6;
ALTER TABLE account ENABLE TRIGGER USER;
CREATE OR REPLACE FUNCTION to_history() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN LOCK TABLE mail IN SHARE MODE; RETURN NEW; END $$;
UPDATE account SET sum = 7;
DROP TRIGGER account_history ON account;
UPDATE account SET sum = 8;
DROP FUNCTION to_total();
DROP FUNCTION to_total() CASCADE;
