-- Which time zones leave timestamps as they are, on which ways they are set.
-- setup
CREATE TABLE clock (id int, a timestamp, b timestamp, c timestamp, d timestamp, e timestamp, f timestamp, g timestamp);
INSERT INTO clock VALUES (1, now(), now(), now(), now(), now(), now(), now());
-- test
SET TIME ZONE 'Etc/UTC';
ALTER TABLE clock ALTER COLUMN a TYPE timestamptz;
SET TIME ZONE 'Asia/Tokyo';
ALTER TABLE clock ALTER COLUMN b TYPE timestamptz;
SET TIME ZONE 'GMT0';
ALTER TABLE clock ALTER COLUMN c TYPE timestamptz;
SELECT set_config('timezone', 'Europe/Oslo', false);
ALTER TABLE clock ALTER COLUMN d TYPE timestamptz;
SET TIME ZONE DEFAULT;
ALTER TABLE clock ALTER COLUMN e TYPE timestamptz;
SET timezone = '<+00>-0';
ALTER TABLE clock ALTER COLUMN f TYPE timestamptz;
SET TIME ZONE 'Europe/London';
ALTER TABLE clock ALTER COLUMN g TYPE timestamptz;
