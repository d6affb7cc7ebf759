-- psql's own branches: both arms leave something else.
-- setup
CREATE TABLE ledger (id int);
CREATE TABLE journal (id int);
-- test
SELECT count(*) > 0 AS filled FROM ledger \gset
\if :filled
ALTER TABLE ledger RENAME TO ledger_old;
CREATE TABLE ledger (id int);
\else
DROP TABLE ledger;
CREATE TABLE ledger (id bigint);
\endif
ALTER TABLE ledger ADD COLUMN note text;
\if :filled
DROP TABLE journal;
\endif
ALTER TABLE journal ADD COLUMN note text;
DROP TABLE journal;
