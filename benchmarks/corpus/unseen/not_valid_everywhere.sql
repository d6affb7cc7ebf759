-- A hospital tightens ten loose columns in the recommended steps, with dirty data on the way.
-- setup
CREATE TABLE admission (id int PRIMARY KEY, patient int, ward int, bed text, admitted date, discharged date, diagnosis text, insurer text, urgency int); CREATE TABLE ward (id int PRIMARY KEY); INSERT INTO ward SELECT generate_series(1, 6);
INSERT INTO admission SELECT g, g, 1 + g % 7, 'B' || g % 20, date '2025-01-01' + g, CASE WHEN g % 9 = 0 THEN date '2024-01-01' WHEN g % 2 = 0 THEN date '2025-12-01' END, CASE WHEN g % 10 = 0 THEN NULL ELSE 'J' || g END, NULLIF('AOK', CASE WHEN g = 50 THEN 'AOK' END), g % 6 FROM generate_series(1, 100) g;
CREATE TABLE admission_child () INHERITS (admission); INSERT INTO admission_child (id, patient, urgency) VALUES (1001, NULL, 9);
-- test
ALTER TABLE admission ADD CONSTRAINT patient_there CHECK (patient IS NOT NULL) NOT VALID;
ALTER TABLE admission VALIDATE CONSTRAINT patient_there;
DELETE FROM ONLY admission_child WHERE patient IS NULL;
ALTER TABLE admission VALIDATE CONSTRAINT patient_there;
ALTER TABLE admission ALTER COLUMN patient SET NOT NULL;
ALTER TABLE admission DROP CONSTRAINT patient_there;
ALTER TABLE admission ADD CONSTRAINT ward_known FOREIGN KEY (ward) REFERENCES ward NOT VALID;
ALTER TABLE admission VALIDATE CONSTRAINT ward_known;
UPDATE admission SET ward = ward WHERE id = 6;
UPDATE admission SET diagnosis = 'X' WHERE id = 6;
INSERT INTO ward VALUES (7);
ALTER TABLE admission VALIDATE CONSTRAINT ward_known;
ALTER TABLE admission VALIDATE CONSTRAINT ward_known;
ALTER TABLE admission ADD CONSTRAINT stay_ok CHECK (discharged >= admitted) NOT VALID, ADD CONSTRAINT urgency_ok CHECK (urgency BETWEEN 0 AND 5) NOT VALID;
UPDATE admission SET urgency = 1 WHERE id = 9;
ALTER TABLE admission VALIDATE CONSTRAINT stay_ok, VALIDATE CONSTRAINT urgency_ok;
UPDATE admission SET discharged = NULL WHERE discharged < admitted;
ALTER TABLE admission VALIDATE CONSTRAINT stay_ok, VALIDATE CONSTRAINT urgency_ok;
ALTER TABLE admission ADD CONSTRAINT diagnosis_there CHECK (diagnosis IS NOT NULL AND insurer IS NOT NULL) NOT VALID NO INHERIT;
UPDATE admission SET diagnosis = coalesce(diagnosis, 'R69'), insurer = coalesce(insurer, 'self') WHERE diagnosis IS NULL OR insurer IS NULL;
ALTER TABLE admission VALIDATE CONSTRAINT diagnosis_there;
ALTER TABLE ONLY admission ALTER COLUMN diagnosis SET NOT NULL;
ALTER TABLE admission ALTER COLUMN insurer SET NOT NULL;
ALTER TABLE admission VALIDATE CONSTRAINT no_such;
ALTER TABLE admission VALIDATE CONSTRAINT admission_pkey;
ALTER TABLE admission ADD CONSTRAINT urgency_ok CHECK (urgency < 100);
ALTER TABLE admission RENAME CONSTRAINT urgency_ok TO urgency_range;
ALTER TABLE admission_child DROP CONSTRAINT urgency_range;
ALTER TABLE admission DROP CONSTRAINT urgency_range;
ALTER TABLE admission ALTER COLUMN urgency SET DEFAULT 3, ALTER COLUMN urgency SET NOT NULL;
ALTER TABLE admission DROP COLUMN bed;
DROP TABLE admission_child;
