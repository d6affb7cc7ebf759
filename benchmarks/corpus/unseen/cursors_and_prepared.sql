-- Backfills with cursors and prepared statements, as an old hand does them.
-- setup
CREATE TABLE parcel_event (id int PRIMARY KEY, parcel text, code int, done boolean); INSERT INTO parcel_event SELECT g, 'P' || g % 9, g % 4, false FROM generate_series(1, 60) g;
CREATE TABLE code_text (code int PRIMARY KEY, t text); INSERT INTO code_text VALUES (0, 'zero'), (1, 'one'), (2, 'two');
-- test
PREPARE mark (int, boolean) AS UPDATE parcel_event SET done = $2 WHERE code = $1;
EXECUTE mark (1, true);
EXECUTE mark (2, true);
ALTER TABLE parcel_event ADD COLUMN t text;
EXECUTE mark (3, false);
PREPARE pick AS SELECT * FROM code_text;
EXECUTE pick;
ALTER TABLE code_text ADD COLUMN lang text DEFAULT 'en';
EXECUTE pick;
DEALLOCATE pick;
EXECUTE pick;
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM parcel_event WHERE code = 3 FOR UPDATE;
FETCH 2 FROM c;
UPDATE parcel_event SET done = true WHERE CURRENT OF c;
MOVE FORWARD 3 IN c;
FETCH NEXT FROM c;
DELETE FROM parcel_event WHERE CURRENT OF c;
ALTER TABLE parcel_event ADD COLUMN u text;
CLOSE c;
ALTER TABLE parcel_event ADD COLUMN u text;
COMMIT;
DECLARE d CURSOR FOR SELECT 1;
DECLARE d CURSOR WITH HOLD FOR SELECT id FROM parcel_event ORDER BY id;
FETCH 5 FROM d;
ALTER TABLE parcel_event DROP COLUMN u;
CLOSE ALL;
DO $$
DECLARE r record; c CURSOR FOR SELECT id, code FROM parcel_event ORDER BY id;
BEGIN
  FOR r IN c LOOP
    UPDATE parcel_event SET t = (SELECT code_text.t FROM code_text WHERE code_text.code = r.code) WHERE CURRENT OF c;
  END LOOP;
END $$;
PREPARE wipe AS DELETE FROM parcel_event WHERE t IS NULL;
EXECUTE wipe;
PREPARE wipe2 AS TRUNCATE parcel_event;
ALTER TABLE parcel_event RENAME TO parcel_events;
EXECUTE mark (0, true);
ALTER TABLE parcel_events ALTER COLUMN t SET NOT NULL, DROP COLUMN done;
EXECUTE mark (0, true);
DEALLOCATE ALL;
DROP TABLE code_text;
