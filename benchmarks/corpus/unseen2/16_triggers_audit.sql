-- setup

-- test
BEGIN;
CREATE TABLE patient (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, born date, touched timestamptz);
CREATE TABLE audit_row (seq bigserial, tbl text, op text, old_row jsonb, new_row jsonb);
CREATE TABLE audit_stmt (at timestamptz DEFAULT clock_timestamp(), op text, n bigint);
CREATE FUNCTION trg_touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.touched := now();
  RETURN NEW;
END $$;
CREATE FUNCTION trg_audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    INSERT INTO audit_row (tbl, op, old_row) VALUES (TG_TABLE_NAME, TG_OP, to_jsonb(OLD));
    RETURN OLD;
  ELSIF TG_OP = 'UPDATE' THEN
    INSERT INTO audit_row (tbl, op, old_row, new_row) VALUES (TG_TABLE_NAME, TG_OP, to_jsonb(OLD), to_jsonb(NEW));
  ELSE
    INSERT INTO audit_row (tbl, op, new_row) VALUES (TG_TABLE_NAME, TG_OP, to_jsonb(NEW));
  END IF;
  RETURN NEW;
END $$;
CREATE FUNCTION trg_count() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO audit_stmt (op, n) SELECT TG_OP, count(*) FROM newtab;
  RETURN NULL;
END $$;
CREATE TRIGGER patient_touch BEFORE INSERT OR UPDATE ON patient FOR EACH ROW EXECUTE FUNCTION trg_touch();
CREATE TRIGGER patient_audit AFTER INSERT OR UPDATE OR DELETE ON patient FOR EACH ROW EXECUTE FUNCTION trg_audit();
CREATE TRIGGER patient_count AFTER UPDATE ON patient REFERENCING NEW TABLE AS newtab FOR EACH STATEMENT EXECUTE PROCEDURE trg_count();
COMMIT;
INSERT INTO patient (name, born) SELECT 'P' || g, date '1950-01-01' + g * 100 FROM generate_series(1, 40) g;
UPDATE patient SET born = born + 1;
DELETE FROM patient WHERE id > 35;
ALTER TABLE patient DISABLE TRIGGER patient_audit;
UPDATE patient SET name = upper(name);
ALTER TABLE patient ENABLE TRIGGER patient_audit;
CREATE VIEW patient_card AS SELECT id, name, extract(year FROM born)::int AS birth_year FROM patient;
CREATE FUNCTION trg_card() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE patient SET name = NEW.name, born = make_date(NEW.birth_year, 1, 1) WHERE id = OLD.id;
  RETURN NEW;
END $$;
CREATE TRIGGER card_upd INSTEAD OF UPDATE ON patient_card FOR EACH ROW EXECUTE FUNCTION trg_card();
UPDATE patient_card SET birth_year = 1980 WHERE id = 3;
CREATE TRIGGER patient_upd_name BEFORE UPDATE OF name ON patient FOR EACH ROW WHEN (OLD.name IS DISTINCT FROM NEW.name) EXECUTE FUNCTION trg_touch();
ALTER TRIGGER patient_upd_name ON patient RENAME TO patient_name_touch;
CREATE OR REPLACE TRIGGER patient_count AFTER INSERT ON patient REFERENCING NEW TABLE AS newtab FOR EACH STATEMENT EXECUTE FUNCTION trg_count();
INSERT INTO patient (name) VALUES ('late'), ('later');
CREATE FUNCTION trg_no_truncate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO audit_stmt (op) VALUES ('TRUNCATE'); RETURN NULL; END $$;
CREATE TRIGGER patient_trunc BEFORE TRUNCATE ON patient EXECUTE FUNCTION trg_no_truncate();
TRUNCATE patient RESTART IDENTITY;
DROP TRIGGER patient_name_touch ON patient;
DROP FUNCTION trg_touch() CASCADE;
ALTER TABLE audit_row SET UNLOGGED;
SET session_replication_role = replica;
INSERT INTO patient (name) VALUES ('no triggers fire');
RESET session_replication_role;
TRUNCATE audit_row, audit_stmt;
