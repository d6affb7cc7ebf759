-- Sequences as counters of their own: cached, cycled, in defaults of several tables.
-- setup
CREATE SEQUENCE shared; CREATE TABLE ca (id int DEFAULT nextval('shared')); CREATE TABLE cb (id int DEFAULT nextval('shared'), x int); CREATE SCHEMA sq;
-- test
INSERT INTO ca DEFAULT VALUES;
INSERT INTO cb (x) VALUES (1);
ALTER SEQUENCE shared CACHE 20 CYCLE;
ALTER SEQUENCE shared SET SCHEMA sq;
INSERT INTO ca DEFAULT VALUES;
SELECT nextval('shared');
SELECT nextval('sq.shared'), lastval();
DROP SEQUENCE sq.shared;
ALTER TABLE ca ALTER COLUMN id DROP DEFAULT;
DROP TABLE cb;
DROP SEQUENCE sq.shared;
DROP SCHEMA sq;
CREATE SEQUENCE ca;
CREATE SEQUENCE IF NOT EXISTS cseq OWNED BY ca.id;
DROP TABLE ca;
SELECT nextval('cseq');
