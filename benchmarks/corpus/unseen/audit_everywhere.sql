-- Compliance wants every change of three tables in an audit log, by one generic trigger.
-- setup
CREATE SCHEMA crm; CREATE SCHEMA audit;
CREATE TABLE crm.contact (id int PRIMARY KEY, full_name text, phone text, updated_at timestamptz);
CREATE TABLE crm.company (id int PRIMARY KEY, name text, vat text);
CREATE TABLE crm.contact_company (contact_id int REFERENCES crm.contact ON DELETE CASCADE, company_id int REFERENCES crm.company ON DELETE CASCADE, PRIMARY KEY (contact_id, company_id));
INSERT INTO crm.contact SELECT g, 'n' || g, '+49' || g FROM generate_series(1, 25) g;
INSERT INTO crm.company SELECT g, 'k' || g, 'DE' || g FROM generate_series(1, 25) g;
INSERT INTO crm.contact_company SELECT g, g FROM generate_series(1, 25) g;
-- test
CREATE TABLE audit.change (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp(), who name NOT NULL DEFAULT current_user, tab regclass NOT NULL, op "char" NOT NULL, old_row jsonb, new_row jsonb);
CREATE INDEX change_tab_at ON audit.change USING brin (at);
CREATE OR REPLACE FUNCTION audit.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = audit, pg_catalog, pg_temp AS $body$
BEGIN
  INSERT INTO change (tab, op, old_row, new_row)
  VALUES (TG_RELID, left(TG_OP, 1)::"char", CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END, CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END);
  RETURN NULL;
END $body$;
REVOKE ALL ON FUNCTION audit.note() FROM PUBLIC;
DO $do$
DECLARE t regclass;
BEGIN
  FOREACH t IN ARRAY ARRAY['crm.contact', 'crm.company', 'crm.contact_company']::regclass[] LOOP
    EXECUTE format('CREATE TRIGGER zz_audit AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION audit.note()', t);
  END LOOP;
END $do$;
UPDATE crm.contact SET phone = replace(phone, '+49', '0049') WHERE id <= 5;
DELETE FROM crm.company WHERE id > 20;
INSERT INTO crm.company VALUES (30, 'Neu GmbH', NULL) ON CONFLICT (id) DO NOTHING;
CREATE TRIGGER zz_audit AFTER INSERT ON crm.contact FOR EACH ROW EXECUTE FUNCTION audit.note();
CREATE OR REPLACE TRIGGER zz_audit AFTER UPDATE OR DELETE ON crm.contact FOR EACH ROW WHEN (pg_trigger_depth() < 2) EXECUTE FUNCTION audit.note();
CREATE FUNCTION crm.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.updated_at := now(); RETURN NEW; END $$;
CREATE TRIGGER touch BEFORE UPDATE ON crm.contact FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION crm.touch();
UPDATE crm.contact SET full_name = upper(full_name);
ALTER TABLE crm.contact ALTER COLUMN updated_at SET DEFAULT now();
ALTER TABLE crm.contact ALTER COLUMN updated_at TYPE timestamp;
ALTER TABLE crm.company ALTER COLUMN vat SET NOT NULL;
UPDATE crm.company SET vat = 'XX' WHERE vat IS NULL;
ALTER TABLE crm.company ALTER COLUMN vat SET NOT NULL;
BEGIN;
SET LOCAL session_replication_role = replica;
UPDATE crm.contact SET full_name = initcap(full_name);
COMMIT;
DROP FUNCTION audit.note();
ALTER TABLE crm.contact DISABLE TRIGGER USER;
DELETE FROM crm.contact WHERE id = 7;
ALTER TABLE crm.contact ENABLE ALWAYS TRIGGER zz_audit;
TRUNCATE audit.change;
DROP FUNCTION audit.note() CASCADE;
ALTER TABLE audit.change RENAME TO change_until_2024;
