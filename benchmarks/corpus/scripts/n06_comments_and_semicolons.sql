-- Semicolons, comments and quotes where one doesn't look for them.
-- setup
CREATE TABLE note (id int, body text); INSERT INTO note VALUES (1, 'x');
-- test
ALTER TABLE note ADD COLUMN a text DEFAULT ';'; ALTER TABLE note ADD COLUMN b text DEFAULT '''; DROP TABLE note; --';;
/* DROP TABLE note; /* nested */ */ ALTER TABLE note ADD COLUMN c int; -- DROP TABLE note;
ALTER TABLE note ADD COLUMN d text DEFAULT E'\'; DROP TABLE note; --';
ALTER TABLE note ADD COLUMN e text DEFAULT $q$; DROP TABLE note; $q$;
ALTER
  TABLE
    note
  ADD "f;" int
;
COMMENT ON TABLE note IS 'a;
b';
CREATE FUNCTION n() RETURNS void LANGUAGE plpgsql AS $body$ BEGIN /* ; */ LOCK TABLE note IN SHARE MODE; -- ;
END $body$;
SELECT n();
ALTER TABLE note ADD COLUMN g text DEFAULT U&'\0041;';
DROP TABLE/**/note;
SELECT 1 AS one;;
ALTER TABLE note ADD COLUMN h int;
