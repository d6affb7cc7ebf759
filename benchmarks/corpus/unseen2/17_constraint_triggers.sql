-- setup
-- double-entry ledger: deferred checks
CREATE TABLE ledger_tx (id int PRIMARY KEY, memo text);
CREATE TABLE ledger_entry (id serial PRIMARY KEY, tx_id int NOT NULL REFERENCES ledger_tx DEFERRABLE INITIALLY IMMEDIATE, amount numeric NOT NULL, position int, UNIQUE (tx_id, position) DEFERRABLE INITIALLY DEFERRED);
CREATE FUNCTION check_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE s numeric;
BEGIN
  SELECT sum(amount) INTO s FROM ledger_entry WHERE tx_id = NEW.tx_id;
  IF s <> 0 THEN
    RAISE EXCEPTION 'transaction % is off by %', NEW.tx_id, s USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER ledger_balanced AFTER INSERT OR UPDATE ON ledger_entry DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_balanced();
-- test

BEGIN;
INSERT INTO ledger_tx VALUES (1, 'rent'), (2, 'food');
INSERT INTO ledger_entry (tx_id, amount, position) VALUES (1, 500, 1), (1, -500, 2), (2, 20, 1);
INSERT INTO ledger_entry (tx_id, amount, position) VALUES (2, -20, 2);
COMMIT;
-- fails: autocommit, so the deferred trigger fires at once and sees an unbalanced transaction
INSERT INTO ledger_entry (tx_id, amount, position) VALUES (1, 7, 3);
BEGIN;
INSERT INTO ledger_tx VALUES (3, 'half');
INSERT INTO ledger_entry (tx_id, amount, position) VALUES (3, 10, 1);
-- fails: deferred constraint trigger at commit
COMMIT;
BEGIN;
UPDATE ledger_entry SET position = 3 - position WHERE tx_id = 1;
SET CONSTRAINTS ALL IMMEDIATE;
COMMIT;
BEGIN;
UPDATE ledger_entry SET position = 1 WHERE tx_id = 2;
-- fails: duplicate key found when the deferred unique constraint is checked
SET CONSTRAINTS ledger_entry_tx_id_position_key IMMEDIATE;
ROLLBACK;
BEGIN;
UPDATE ledger_entry SET amount = amount WHERE tx_id = 1;
-- fails: pending trigger events
ALTER TABLE ledger_entry ADD COLUMN note text;
ROLLBACK;
BEGIN;
SET CONSTRAINTS ALL DEFERRED;
INSERT INTO ledger_entry (tx_id, amount, position) VALUES (9, 1, 1), (9, -1, 2);
INSERT INTO ledger_tx VALUES (9, 'parent comes later');
COMMIT;
-- fails: still referenced by the entries
DELETE FROM ledger_tx WHERE id = 9;
-- fails: ON CONFLICT does not support deferrable unique constraints
INSERT INTO ledger_entry (tx_id, amount, position) VALUES (9, 0, 1) ON CONFLICT (tx_id, position) DO NOTHING;
ALTER TABLE ledger_entry ALTER CONSTRAINT ledger_entry_tx_id_fkey DEFERRABLE INITIALLY DEFERRED;
-- fails: only foreign keys can be altered this way
ALTER TABLE ledger_entry ALTER CONSTRAINT ledger_entry_tx_id_position_key NOT DEFERRABLE;
ALTER TABLE ledger_entry DISABLE TRIGGER ledger_balanced;
UPDATE ledger_entry SET amount = 501 WHERE tx_id = 1 AND amount > 0;
DROP TRIGGER ledger_balanced ON ledger_entry;
TRUNCATE ledger_tx CASCADE;
