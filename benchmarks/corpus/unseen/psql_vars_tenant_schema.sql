-- A deployment for one tenant, its schema and sizes in psql variables, with branches.
-- setup
CREATE SCHEMA t_acme; CREATE SCHEMA t_zeta;
CREATE TABLE t_acme.invoice (id int PRIMARY KEY, total numeric, due date);
CREATE TABLE t_zeta.invoice (id int PRIMARY KEY, total numeric, due date);
CREATE TABLE t_acme.feature (name text PRIMARY KEY, is_on boolean);
INSERT INTO t_acme.invoice SELECT g, g, current_date FROM generate_series(1, 20) g;
INSERT INTO t_zeta.invoice SELECT g, g, current_date FROM generate_series(1, 20) g;
INSERT INTO t_acme.feature VALUES ('dunning', true), ('vat_report', false);
-- test
\set tenant t_acme
\set tab invoice
\set due_days 14
\set with_vat true
\if :{?extra}
\else
  \set extra note
\endif
BEGIN;
SET LOCAL search_path TO :"tenant";
ALTER TABLE :"tab" ADD COLUMN :"extra" text, ADD COLUMN paid boolean DEFAULT false NOT NULL;
UPDATE :"tab" SET due = due + :due_days WHERE total > 10;
\if :with_vat
ALTER TABLE :"tab" ADD COLUMN vat numeric GENERATED ALWAYS AS (total * 0.19) STORED;
\else
ALTER TABLE :"tab" DROP COLUMN total;
\endif
COMMIT;
SELECT is_on AS dunning_on, NOT is_on AS dunning_off FROM t_acme.feature WHERE name = 'dunning' \gset
\if :dunning_on
CREATE TABLE :tenant.dunning (invoice_id int REFERENCES :tenant.:tab, level int CHECK (level BETWEEN 1 AND 3));
INSERT INTO t_acme.dunning SELECT id, 1 FROM :tenant.invoice WHERE due < current_date + :due_days;
\elif :dunning_off
DROP TABLE :tenant.:tab;
\endif
\set tenant t_zeta
ALTER TABLE :"tenant".invoice RENAME TO :"tab" ;
ALTER TABLE :"tenant".invoice ADD CONSTRAINT :"tab" CHECK (total >= 0);
\set idx :tenant _due
CREATE INDEX :"idx" ON :"tenant".invoice (due);
\unset extra
ALTER TABLE t_zeta.invoice ADD COLUMN note varchar(:due_days) DEFAULT :'tenant';
COMMENT ON TABLE t_zeta.invoice IS :'tenant';
SELECT count(*) > 5 AS many FROM t_zeta.invoice
\gset big_
\if :big_many
DELETE FROM t_zeta.invoice WHERE id > 15;
\endif
\if 0
DROP SCHEMA t_acme CASCADE;
\endif
DROP TABLE t_acme.invoice;
