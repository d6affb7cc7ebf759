-- Type changes as one imagines them: text to int, int to boolean, date to text and back.
-- setup
CREATE TABLE mess (id text, flag int, day text, amount money, j text, ip text, u text, e float); INSERT INTO mess VALUES ('1', 1, '2025-01-01', 5, '{}', '10.0.0.1', NULL, 1.5);
-- test
ALTER TABLE mess ALTER COLUMN id TYPE int;
ALTER TABLE mess ALTER COLUMN id TYPE int USING id::int;
ALTER TABLE mess ALTER COLUMN flag TYPE boolean;
ALTER TABLE mess ALTER COLUMN flag TYPE boolean USING flag = 1;
ALTER TABLE mess ALTER COLUMN day TYPE date USING day::date;
ALTER TABLE mess ALTER COLUMN day TYPE text;
ALTER TABLE mess ALTER COLUMN amount TYPE numeric USING amount::numeric;
ALTER TABLE mess ALTER COLUMN j TYPE jsonb USING j::jsonb, ALTER COLUMN ip TYPE inet USING ip::inet;
ALTER TABLE mess ALTER COLUMN u TYPE uuid USING u::uuid;
ALTER TABLE mess ALTER COLUMN e TYPE int;
ALTER TABLE mess ALTER COLUMN e TYPE smallint USING 1;
ALTER TABLE mess ALTER COLUMN ip TYPE cidr;
ALTER TABLE mess ALTER COLUMN id TYPE serial;
ALTER TABLE mess ALTER COLUMN id TYPE varchar(255);
ALTER TABLE mess ALTER COLUMN id TYPE char(5);
ALTER TABLE mess ALTER COLUMN id TYPE nothing;
