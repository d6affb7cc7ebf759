-- setup
-- V1__init.sql
CREATE SCHEMA billing;
SET search_path TO billing, public;
CREATE TABLE account (
    account_no  VARCHAR(12) PRIMARY KEY,
    holder      VARCHAR(80) NOT NULL,
    currency    CHAR(3)     NOT NULL DEFAULT 'EUR',
    balance     NUMERIC(12,2) NOT NULL DEFAULT 0
);
CREATE TABLE invoice (
    id          SERIAL PRIMARY KEY,
    account_no  VARCHAR(12) NOT NULL REFERENCES account,
    issued_on   DATE NOT NULL DEFAULT CURRENT_DATE,
    amount      NUMERIC(10,2) NOT NULL CHECK (amount > 0),
    paid        CHAR(1) NOT NULL DEFAULT 'N',
    memo        TEXT
);
CREATE VIEW open_invoice AS SELECT id, account_no, amount FROM invoice WHERE paid = 'N';
INSERT INTO account (account_no, holder, balance)
VALUES ('A-1', 'Ann', 10.50), ('A-2', 'Bob', 0), ('A-3', 'Cy', 99999.99);
INSERT INTO invoice (account_no, amount, paid, memo)
SELECT 'A-' || (1 + g % 3), 10 + g, CASE WHEN g % 2 = 0 THEN 'Y' ELSE 'N' END, 'memo ' || g FROM generate_series(1, 40) g;
-- test
SET search_path TO billing, public;


-- V2__paid_boolean.sql
-- fails: default for column "paid" cannot be cast automatically to boolean (and a view uses it anyway)
ALTER TABLE invoice ALTER COLUMN paid TYPE boolean USING (paid = 'Y');
DROP VIEW open_invoice;
ALTER TABLE invoice ALTER COLUMN paid DROP DEFAULT, ALTER COLUMN paid TYPE boolean USING (paid = 'Y'), ALTER COLUMN paid SET DEFAULT false;
CREATE VIEW open_invoice AS SELECT id, account_no, amount, memo FROM invoice WHERE NOT paid;

-- V3__amount_precision.sql
-- fails: cannot alter type of a column used by a view
ALTER TABLE invoice ALTER COLUMN amount TYPE NUMERIC(14,2);
-- widen only what nothing depends on
ALTER TABLE account ALTER COLUMN balance TYPE NUMERIC(16,2);
-- fails: numeric field overflow, A-3 has 99999.99
ALTER TABLE account ALTER COLUMN balance TYPE NUMERIC(6,2);
ALTER TABLE account ALTER COLUMN holder TYPE VARCHAR(120);

-- V4__invoice_lines.sql
CREATE TABLE invoice_line (
    invoice_id INT NOT NULL REFERENCES invoice (id) ON DELETE CASCADE,
    line_no    SMALLINT NOT NULL,
    net        NUMERIC(10,2) NOT NULL,
    PRIMARY KEY (invoice_id, line_no)
);
INSERT INTO invoice_line SELECT id, 1, amount FROM invoice;
CREATE OR REPLACE VIEW invoice_total AS
  SELECT i.id, sum(l.net) AS total FROM invoice i JOIN invoice_line l ON l.invoice_id = i.id GROUP BY i.id;
-- fails: view open_invoice needs memo
ALTER TABLE invoice DROP COLUMN memo;
ALTER TABLE invoice DROP COLUMN memo CASCADE;
-- fails: open_invoice is gone with the cascade
SELECT count(*) FROM open_invoice;

-- V5__purge.sql
DELETE FROM invoice WHERE paid;
-- fails: foreign key from invoice
DELETE FROM account WHERE account_no = 'A-1';
TRUNCATE invoice_line;
ALTER TABLE invoice ADD COLUMN due_on DATE GENERATED ALWAYS AS (issued_on + 30) STORED;
-- fails: primary key of invoice is used by foreign key invoice_line and view invoice_total
ALTER TABLE invoice DROP CONSTRAINT invoice_pkey;
CREATE INDEX CONCURRENTLY invoice_account_idx ON invoice (account_no);
ALTER TABLE invoice ADD CONSTRAINT invoice_due CHECK (due_on > issued_on) NOT VALID;
ALTER TABLE invoice VALIDATE CONSTRAINT invoice_due;

-- V6__type_cleanup.sql : which of these rewrite?
ALTER TABLE account ADD COLUMN opened timestamptz NOT NULL DEFAULT now(), ADD COLUMN ext_id uuid DEFAULT gen_random_uuid();
ALTER TABLE account ALTER COLUMN currency TYPE text;
ALTER TABLE account ALTER COLUMN holder TYPE text, ALTER COLUMN balance TYPE numeric;
ALTER TABLE account ALTER COLUMN opened TYPE timestamptz(0);
ALTER TABLE account ADD COLUMN row_no serial;
