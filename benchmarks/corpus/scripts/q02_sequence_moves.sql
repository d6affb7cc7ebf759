-- Numbers move from one sequence to another; restart by hand.
-- setup
CREATE TABLE ticket (id serial PRIMARY KEY, code int); CREATE TABLE receipt (id int GENERATED ALWAYS AS IDENTITY, x int);
INSERT INTO ticket (code) SELECT g FROM generate_series(1, 20) g;
-- test
BEGIN;
CREATE SEQUENCE ticket_big AS bigint START 1000 OWNED BY ticket.id;
ALTER TABLE ticket ALTER COLUMN id SET DEFAULT nextval('ticket_big');
ALTER TABLE ticket ALTER COLUMN id TYPE bigint;
DROP SEQUENCE ticket_id_seq;
INSERT INTO ticket (code) VALUES (1);
COMMIT;
SELECT setval('ticket_big', max(id)) FROM ticket;
ALTER TABLE receipt ALTER COLUMN id TYPE bigint;
ALTER SEQUENCE receipt_id_seq MAXVALUE 100;
ALTER SEQUENCE receipt_id_seq OWNED BY NONE;
DROP SEQUENCE receipt_id_seq;
INSERT INTO receipt (x) VALUES (1);
INSERT INTO receipt (id, x) OVERRIDING SYSTEM VALUE VALUES (50, 1);
ALTER TABLE receipt ALTER COLUMN id RESTART;
SELECT setval(pg_get_serial_sequence('receipt', 'id'), 60);
TRUNCATE receipt RESTART IDENTITY;
TRUNCATE ticket CONTINUE IDENTITY;
DROP TABLE ticket;
SELECT nextval('ticket_big');
