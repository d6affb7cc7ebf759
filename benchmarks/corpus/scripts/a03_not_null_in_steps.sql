-- SET NOT NULL with and without a CHECK that proves it, in the order of the manuals and out of it.
-- setup
CREATE TABLE client (id int PRIMARY KEY, mail text, phone text, fax text);
INSERT INTO client SELECT g, 'm', 'p', 'f' FROM generate_series(1, 20) g;
-- test
ALTER TABLE client ADD CONSTRAINT mail_there CHECK (mail IS NOT NULL) NOT VALID;
ALTER TABLE client VALIDATE CONSTRAINT mail_there;
ALTER TABLE client ALTER COLUMN mail SET NOT NULL;
ALTER TABLE client DROP CONSTRAINT mail_there;
ALTER TABLE client ALTER COLUMN phone SET NOT NULL;
ALTER TABLE client ALTER COLUMN phone DROP NOT NULL, ALTER COLUMN fax SET NOT NULL;
ALTER TABLE client ALTER COLUMN fax DROP NOT NULL;
ALTER TABLE client ALTER COLUMN id DROP NOT NULL;
ALTER TABLE client ADD CONSTRAINT fax_there CHECK (fax IS NOT NULL), ALTER COLUMN fax SET NOT NULL;
ALTER TABLE client RENAME CONSTRAINT fax_there TO fax_is_there;
ALTER TABLE client VALIDATE CONSTRAINT fax_is_there;
ALTER TABLE client DROP CONSTRAINT IF EXISTS fax_there;
ALTER TABLE client DROP CONSTRAINT fax_is_there;
