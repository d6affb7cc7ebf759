-- Domains whose checks read the tables that have columns of them.
-- setup
CREATE DOMAIN zip AS text; CREATE DOMAIN money_amount AS numeric(12,2) DEFAULT 0;
CREATE TABLE addr (id int, zip zip); CREATE TABLE price (id int, amount money_amount NOT NULL);
CREATE TABLE prices (list money_amount[]);
INSERT INTO addr VALUES (1, '123'); INSERT INTO price VALUES (1, 5);
-- test
ALTER DOMAIN zip ADD CONSTRAINT zip_len CHECK (length(VALUE) < 10);
ALTER DOMAIN zip ADD CONSTRAINT zip_num CHECK (VALUE ~ '^[0-9]+$') NOT VALID;
ALTER DOMAIN zip VALIDATE CONSTRAINT zip_num;
ALTER DOMAIN zip SET NOT NULL;
ALTER DOMAIN zip DROP NOT NULL;
ALTER DOMAIN zip DROP CONSTRAINT zip_len;
ALTER DOMAIN money_amount SET DEFAULT 1;
ALTER DOMAIN money_amount RENAME TO amount;
ALTER TABLE price ADD COLUMN tax amount;
ALTER TABLE addr ADD COLUMN zip2 zip;
ALTER TABLE addr ALTER COLUMN zip2 TYPE text;
ALTER TABLE addr ALTER COLUMN zip2 TYPE zip;
DROP DOMAIN zip;
DROP DOMAIN zip CASCADE;
ALTER DOMAIN amount ADD CHECK (VALUE >= 0);
