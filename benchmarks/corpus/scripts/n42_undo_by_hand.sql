-- A rollback script that somebody wrote from memory.
-- setup
CREATE TABLE invoice (id int PRIMARY KEY, total numeric, vat numeric, note text); CREATE INDEX invoice_vat ON invoice (vat);
CREATE TYPE vat_kind AS ENUM ('full', 'half'); ALTER TABLE invoice ADD COLUMN kind vat_kind; CREATE VIEW vat_view AS SELECT id, vat FROM invoice;
CREATE TABLE vat_table (id int PRIMARY KEY); ALTER TABLE invoice ADD COLUMN vat_id int REFERENCES vat_table; INSERT INTO invoice VALUES (1, 1, 1, 'n', 'full', NULL);
-- test
BEGIN;
DROP INDEX IF EXISTS invoice_vats;
DROP INDEX IF EXISTS invoice_vat;
DROP VIEW vat_view;
ALTER TABLE invoice DROP COLUMN IF EXISTS vat;
ALTER TABLE invoice DROP COLUMN kind;
DROP TYPE vat_kind;
DROP TABLE vat_table;
ALTER TABLE invoice DROP COLUMN vat_id;
DROP TABLE vat_table;
ALTER TABLE invoice ALTER COLUMN note DROP NOT NULL;
ALTER TABLE invoice ADD COLUMN vat numeric(10,2) DEFAULT 0;
COMMIT;
SELECT vat FROM invoice;
