-- setup

-- test
BEGIN;
CREATE TABLE acct (id int PRIMARY KEY, bal int NOT NULL CHECK (bal >= 0), kind text);
INSERT INTO acct SELECT g, g * 10, CASE WHEN g % 2 = 0 THEN 'chk' ELSE 'sav' END FROM generate_series(1, 100) g;
SAVEPOINT a;
ALTER TABLE acct ADD COLUMN iban text;
SAVEPOINT b;
-- fails: check constraint, but only to savepoint b
UPDATE acct SET bal = bal - 500;
ROLLBACK TO SAVEPOINT b;
UPDATE acct SET bal = bal - 5;
RELEASE SAVEPOINT b;
SAVEPOINT c;
-- fails: unique violation
INSERT INTO acct VALUES (1, 1, 'x');
-- fails: transaction is aborted
SELECT 1;
ROLLBACK TO c;
ROLLBACK TO a;
-- fails: iban went with savepoint a
CREATE INDEX acct_iban ON acct (iban);
ROLLBACK TO a;
-- fails: savepoint b was destroyed by the rollback to a
ROLLBACK TO b;
ROLLBACK TO a;
CREATE INDEX acct_kind ON acct (kind);
COMMIT;
-- fails: SAVEPOINT can only be used in transaction blocks
SAVEPOINT lonely;
PREPARE upd(int, int) AS UPDATE acct SET bal = $2 WHERE id = $1;
EXECUTE upd(1, 999);
-- fails: wrong number of parameters
EXECUTE upd(1);
PREPARE del AS DELETE FROM acct WHERE kind = 'sav' AND id < 10;
EXECUTE del;
ALTER TABLE acct RENAME COLUMN bal TO balance;
-- fails: prepared text is re-analysed, column bal is gone
EXECUTE upd(2, 1);
DEALLOCATE upd;
-- fails: deallocated
EXECUTE upd(2, 1);
BEGIN;
DECLARE cur CURSOR FOR SELECT * FROM acct WHERE id > 50 ORDER BY id FOR UPDATE;
FETCH 2 FROM cur;
UPDATE acct SET balance = 0 WHERE CURRENT OF cur;
MOVE FORWARD 3 IN cur;
DELETE FROM acct WHERE CURRENT OF cur;
SAVEPOINT s;
-- fails: the open cursor still uses the table
ALTER TABLE acct ADD COLUMN note text;
ROLLBACK TO s;
CLOSE cur;
ALTER TABLE acct ADD COLUMN note text;
COMMIT;
DECLARE hold CURSOR WITH HOLD FOR SELECT id FROM acct;
FETCH ALL FROM hold \g (format=unaligned tuples_only=on)
DROP TABLE acct;
CLOSE hold;
BEGIN; SAVEPOINT x; CREATE TABLE acct2 (a int); ROLLBACK TO x; COMMIT;
-- fails: never created
INSERT INTO acct2 VALUES (1);
