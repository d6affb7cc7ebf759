-- A unique index made first and made a constraint afterwards, and swapped with the old key.
-- setup
CREATE TABLE login (id int NOT NULL, mail text, name text NOT NULL);
ALTER TABLE login ADD CONSTRAINT login_key PRIMARY KEY (id);
CREATE TABLE visit (login int REFERENCES login, at date);
INSERT INTO login SELECT g, 'm' || g, 'n' || g FROM generate_series(1, 20) g;
-- test
CREATE UNIQUE INDEX CONCURRENTLY login_mail ON login (mail);
ALTER TABLE login ADD CONSTRAINT login_mail_key UNIQUE USING INDEX login_mail;
CREATE UNIQUE INDEX login_name ON login (lower(name));
ALTER TABLE login ADD CONSTRAINT login_name_key UNIQUE USING INDEX login_name;
CREATE UNIQUE INDEX login_new ON login (id);
ALTER TABLE login DROP CONSTRAINT login_key;
BEGIN;
ALTER TABLE visit DROP CONSTRAINT visit_login_fkey;
ALTER TABLE login DROP CONSTRAINT login_key;
ALTER TABLE login ADD CONSTRAINT login_key PRIMARY KEY USING INDEX login_new;
ALTER TABLE visit ADD FOREIGN KEY (login) REFERENCES login;
COMMIT;
DROP INDEX login_key;
DROP INDEX login_mail_key;
ALTER TABLE login DROP CONSTRAINT login_mail_key;
