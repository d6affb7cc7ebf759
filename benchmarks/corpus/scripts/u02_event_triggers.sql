-- Event triggers that note each DDL in a table of theirs.
-- setup
CREATE TABLE ddl_log (tag text, at timestamptz);
CREATE TABLE thing (id int); CREATE TABLE thing2 (id int);
CREATE FUNCTION note_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO ddl_log VALUES (tg_tag, now()); END $$;
CREATE FUNCTION hold_log() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN LOCK TABLE ddl_log IN SHARE ROW EXCLUSIVE MODE; END $$;
CREATE EVENT TRIGGER noted ON ddl_command_end EXECUTE FUNCTION note_ddl();
-- test
ALTER TABLE thing ADD COLUMN a int;
CREATE EVENT TRIGGER held ON sql_drop WHEN TAG IN ('DROP TABLE') EXECUTE FUNCTION hold_log();
DROP TABLE thing2;
CREATE INDEX thing_a ON thing (a);
ALTER EVENT TRIGGER held DISABLE;
DROP INDEX thing_a;
ALTER EVENT TRIGGER held ENABLE;
ALTER TABLE thing DROP COLUMN a;
DROP EVENT TRIGGER noted;
CREATE TABLE thing3 (id int);
DROP TABLE thing3;
DROP EVENT TRIGGER held;
DROP TABLE thing;
