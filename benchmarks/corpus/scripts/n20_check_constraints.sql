-- CHECKs that are added, doubled, dropped by a guessed name.
-- setup
CREATE TABLE age (id int PRIMARY KEY, years int CHECK (years > 0), months int); INSERT INTO age SELECT g, g, g FROM generate_series(1, 10) g;
-- test
ALTER TABLE age ADD CHECK (years < 200);
ALTER TABLE age ADD CHECK (years < 200);
ALTER TABLE age DROP CONSTRAINT age_years_check;
ALTER TABLE age DROP CONSTRAINT age_years_check1, DROP CONSTRAINT age_years_check2;
ALTER TABLE age DROP CONSTRAINT age_years_check3;
ALTER TABLE age ADD CONSTRAINT span CHECK (months >= years) NOT VALID, ADD CONSTRAINT span2 CHECK (months < 5000);
ALTER TABLE age VALIDATE CONSTRAINT span, DROP CONSTRAINT span2;
ALTER TABLE age DROP COLUMN months;
ALTER TABLE age DROP CONSTRAINT span;
ALTER TABLE age ADD CONSTRAINT bad CHECK (nothing > 1);
ALTER TABLE age ADD CONSTRAINT bad CHECK (years);
ALTER TABLE age ADD CONSTRAINT sub CHECK (years IN (SELECT 1));
ALTER TABLE age ADD CONSTRAINT age_pkey CHECK (true);
ALTER TABLE age RENAME CONSTRAINT age_pkey TO age_key;
ALTER TABLE age DROP CONSTRAINT age_pkey;
