-- Comments, privileges, owners: what locks a table and what doesn't.
-- setup
CREATE ROLE ledger_reader; CREATE ROLE ledger_owner;
CREATE SCHEMA book AUTHORIZATION ledger_owner;
CREATE TABLE book.entry (id serial PRIMARY KEY, v int);
CREATE VIEW book.top AS SELECT max(v) AS v FROM book.entry;
CREATE FUNCTION book.total() RETURNS bigint LANGUAGE sql AS 'SELECT sum(v) FROM book.entry';
-- test
BEGIN;
COMMENT ON TABLE book.entry IS 'all of it';
COMMENT ON COLUMN book.entry.v IS 'value';
COMMENT ON SCHEMA book IS 'books';
COMMENT ON FUNCTION book.total() IS 'sum';
COMMENT ON CONSTRAINT entry_pkey ON book.entry IS 'key';
COMMENT ON VIEW book.top IS 'top';
COMMENT ON INDEX book.entry_pkey IS 'the index';
GRANT SELECT ON ALL TABLES IN SCHEMA book TO ledger_reader;
GRANT USAGE ON SCHEMA book TO ledger_reader;
GRANT UPDATE (v) ON book.entry TO ledger_reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA book GRANT SELECT ON TABLES TO ledger_reader;
ALTER TABLE book.entry OWNER TO ledger_owner;
ALTER VIEW book.top OWNER TO ledger_owner;
ALTER FUNCTION book.total() OWNER TO ledger_owner;
REVOKE ALL ON book.entry FROM ledger_reader, PUBLIC;
COMMIT;
ALTER SCHEMA book OWNER TO CURRENT_USER;
REASSIGN OWNED BY ledger_owner TO CURRENT_USER;
DROP OWNED BY ledger_reader;
