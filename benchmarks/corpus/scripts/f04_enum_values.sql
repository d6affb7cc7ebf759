-- A value that a transaction adds to an enumeration can't be used in it.
-- setup
CREATE TYPE level AS ENUM ('low', 'high');
CREATE TABLE alarm (id int, l level, note text);
-- test
BEGIN;
ALTER TYPE level ADD VALUE 'mid';
INSERT INTO alarm VALUES (1, 'mid', 'x');
UPDATE alarm SET note = 'mid' WHERE id = 1;
ALTER TABLE alarm ALTER COLUMN l SET DEFAULT 'mid';
SELECT 'mid'::level;
COMMIT;
INSERT INTO alarm VALUES (2, 'mid', 'x');
ALTER TYPE level ADD VALUE 'top';
INSERT INTO alarm VALUES (3, 'top', 'x');
