-- Statements whose time is estimated, then taken, each on a database as `setup` leaves it. `:rows` is the size of the
-- tables. Blank lines separate statements; `before:` statements are carried out before the estimate is made.

-- setup
CREATE TABLE big (id bigint PRIMARY KEY, a int NOT NULL, b text, c int, d numeric(12, 2), at timestamptz, note text,
                  state text, active boolean);
INSERT INTO big SELECT g, (g * 7919::bigint) % :rows, md5(g::text) || md5((g * 7)::text), g, g / 7.0,
    timestamptz '2020-01-01 00:00Z' + g * interval '1 minute', CASE WHEN g % 4 = 0 THEN 'note ' || g END,
    CASE WHEN g % 10 < 7 THEN 'open' WHEN g % 10 < 9 THEN 'closed' ELSE 'lost' END, g % 2 = 0
  FROM generate_series(1, :rows) g;

CREATE INDEX big_a ON big (a);
CREATE INDEX big_b ON big (b);

CREATE TABLE narrow (k int NOT NULL, v int);
INSERT INTO narrow SELECT g, g % 1000 FROM generate_series(1, :rows) g;

CREATE TABLE plain (id bigint, a int, b text, c int);
INSERT INTO plain SELECT id, a, b, c FROM big;

CREATE TABLE arch (LIKE big);
CREATE TABLE arch_keyed (LIKE big INCLUDING INDEXES);

CREATE TABLE owner (id bigint PRIMARY KEY, name text);
INSERT INTO owner SELECT g, 'owner ' || g FROM generate_series(1, :rows / 10) g;
CREATE TABLE pet (id bigint, owner_id bigint NOT NULL, name text);
INSERT INTO pet SELECT g, 1 + g % (:rows / 10), 'pet ' || g FROM generate_series(1, :rows) g;
CREATE TABLE visit (id bigint, owner_id bigint REFERENCES owner ON DELETE CASCADE, cost int);
INSERT INTO visit SELECT g, 1 + g % (:rows / 10), g % 300 FROM generate_series(1, :rows / 2) g;
CREATE INDEX visit_owner ON visit (owner_id);
CREATE TABLE toy (id bigint, pet_id bigint);
ALTER TABLE pet ADD CONSTRAINT pet_owner FOREIGN KEY (owner_id) REFERENCES owner NOT VALID;

CREATE TABLE room (id int PRIMARY KEY, name text);
INSERT INTO room SELECT g, 'room ' || g FROM generate_series(1, 300) g;
CREATE TABLE booking (id int, room_id int REFERENCES room ON DELETE CASCADE, day int);
INSERT INTO booking SELECT g, 1 + g % 300, g FROM generate_series(1, :rows) g;

CREATE TABLE watched (id int PRIMARY KEY, v int);
INSERT INTO watched SELECT g, g FROM generate_series(1, :rows) g;
CREATE TABLE watched_log (at timestamptz, id int, was int);
CREATE FUNCTION note_it() RETURNS trigger LANGUAGE plpgsql AS
  'BEGIN INSERT INTO watched_log VALUES (now(), OLD.id, OLD.v); RETURN NULL; END';
CREATE TRIGGER watched_update AFTER UPDATE ON watched FOR EACH ROW EXECUTE FUNCTION note_it();
CREATE TABLE stamped (id int PRIMARY KEY, v int, at timestamptz);
INSERT INTO stamped SELECT g, g, now() FROM generate_series(1, :rows) g;
CREATE FUNCTION stamp_it() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.at := now(); RETURN NEW; END';
CREATE TRIGGER stamped_update BEFORE UPDATE ON stamped FOR EACH ROW EXECUTE FUNCTION stamp_it();

CREATE TABLE kv (k int PRIMARY KEY, v text);
INSERT INTO kv SELECT g * 2, 'v' FROM generate_series(1, :rows / 2) g;

CREATE TABLE event (id bigint, day date NOT NULL, amount int) PARTITION BY RANGE (day);
CREATE TABLE event_2024 PARTITION OF event FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE event_2025 PARTITION OF event FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
INSERT INTO event SELECT g, date '2024-01-01' + (g % 730)::int, g % 500 FROM generate_series(1, :rows) g;
CREATE TABLE event_2026 (id bigint, day date NOT NULL, amount int);
INSERT INTO event_2026 SELECT g, date '2026-01-01' + (g % 365)::int, 5 FROM generate_series(1, :rows) g;
CREATE MATERIALIZED VIEW per_cost AS SELECT cost, count(*) AS n, sum(owner_id) AS total FROM visit GROUP BY cost;
CREATE MATERIALIZED VIEW copied AS SELECT id, owner_id, name FROM pet;
CREATE UNIQUE INDEX copied_id ON copied (id);
ALTER TABLE plain ADD CONSTRAINT plain_a CHECK (a >= 0) NOT VALID;

-- rewrite
ALTER TABLE big ALTER COLUMN c TYPE bigint;

ALTER TABLE big ADD COLUMN z float8 DEFAULT random();

ALTER TABLE plain ADD COLUMN z uuid DEFAULT gen_random_uuid();

ALTER TABLE narrow ALTER COLUMN v TYPE bigint;

ALTER TABLE narrow ALTER COLUMN v TYPE text;

ALTER TABLE plain ADD COLUMN twice bigint GENERATED ALWAYS AS (a * 2) STORED;

ALTER TABLE plain ADD COLUMN number bigserial;

ALTER TABLE plain ALTER COLUMN c TYPE numeric USING c / 100.0;

ALTER TABLE plain SET UNLOGGED;

ALTER TABLE big ALTER COLUMN at TYPE timestamp USING at AT TIME ZONE 'Europe/Oslo';

ALTER TABLE big ALTER COLUMN a TYPE bigint, ADD COLUMN w uuid DEFAULT gen_random_uuid();

VACUUM FULL plain;

VACUUM FULL big;

CLUSTER big USING big_a;

ALTER TABLE event ALTER COLUMN amount TYPE bigint;

REFRESH MATERIALIZED VIEW copied;

-- scan
ALTER TABLE big ADD CONSTRAINT big_c CHECK (c > -1);

ALTER TABLE big ALTER COLUMN c SET NOT NULL;

ALTER TABLE narrow ALTER COLUMN v SET NOT NULL;

ALTER TABLE pet VALIDATE CONSTRAINT pet_owner;

ALTER TABLE pet ADD CONSTRAINT pet_owner_2 FOREIGN KEY (owner_id) REFERENCES owner;

ALTER TABLE plain VALIDATE CONSTRAINT plain_a;

ALTER TABLE plain ADD CONSTRAINT plain_b CHECK (length(b) < 100);

ALTER TABLE event ATTACH PARTITION event_2026 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');

ALTER TABLE event ADD CONSTRAINT amount CHECK (amount >= 0);

SELECT count(*) FROM big;

SELECT state, sum(c) FROM big GROUP BY state;

SELECT * FROM plain WHERE c < 0;

DO $$ BEGIN IF EXISTS (SELECT FROM narrow WHERE v < 0) THEN RAISE EXCEPTION 'negative'; END IF; END $$;

ANALYZE big;

VACUUM big;

REFRESH MATERIALIZED VIEW per_cost;

-- index
CREATE INDEX ON big (c);

CREATE INDEX ON plain (b);

CREATE INDEX ON big (a, c);

CREATE INDEX ON plain (a, b);

CREATE UNIQUE INDEX ON plain (id);

CREATE INDEX ON big (at DESC);

CREATE INDEX ON big (d);

CREATE INDEX ON big (lower(b));

CREATE INDEX ON big (c) WHERE state = 'lost';

CREATE INDEX ON big (note) WHERE note IS NOT NULL;

CREATE INDEX ON big USING hash (c);

CREATE INDEX ON big USING brin (at);

CREATE INDEX ON plain USING gin (string_to_array(b, '0'));

CREATE INDEX ON big (state);

CREATE INDEX CONCURRENTLY big_cc ON big (c);

ALTER TABLE plain ADD PRIMARY KEY (id);

ALTER TABLE narrow ADD CONSTRAINT narrow_k UNIQUE (k);

ALTER TABLE plain ADD CONSTRAINT plain_u UNIQUE (a, id);

REINDEX INDEX big_b;

REINDEX TABLE big;

CREATE INDEX ON event (amount);

-- rows
UPDATE big SET c = c + 1;

UPDATE big SET a = a + 1 WHERE c > 0;

UPDATE narrow SET v = 0;

UPDATE plain SET b = upper(b);

UPDATE big SET note = '' WHERE note IS NULL;

UPDATE big SET state = 'gone' WHERE state = 'lost';

UPDATE big SET c = 0 WHERE id <= :rows / 4;

UPDATE big SET active = false WHERE active;

UPDATE big SET c = 1 WHERE at < '2020-03-01';

UPDATE big SET c = 1 WHERE id = 17;

UPDATE big SET c = 1 WHERE id IN (1, 2, 3, 4, 5);

UPDATE plain SET c = big.c FROM big WHERE big.id = plain.id;

UPDATE pet SET name = o.name FROM owner o WHERE o.id = pet.owner_id;

UPDATE pet SET owner_id = 1;

UPDATE watched SET v = 0;

UPDATE stamped SET v = 0;

UPDATE event SET amount = 0;

UPDATE big SET c = 2 WHERE id IN (SELECT k FROM narrow WHERE v < 500);

DELETE FROM plain;

DELETE FROM big WHERE c < :rows / 2;

DELETE FROM big WHERE state = 'closed';

DELETE FROM owner WHERE NOT EXISTS (SELECT FROM pet WHERE pet.owner_id = owner.id);

DELETE FROM room WHERE id <= 100;

DELETE FROM visit;

DELETE FROM narrow USING room WHERE room.id = narrow.v;

INSERT INTO arch SELECT * FROM big;

INSERT INTO arch_keyed SELECT * FROM big;

INSERT INTO plain SELECT id, a, b, c FROM big WHERE state = 'open';

INSERT INTO visit SELECT id, owner_id, 5 FROM pet;

INSERT INTO narrow SELECT g, g FROM generate_series(1, :rows) g;

INSERT INTO kv SELECT k, 'new' FROM narrow ON CONFLICT (k) DO UPDATE SET v = excluded.v;

INSERT INTO kv SELECT k, 'new' FROM narrow ON CONFLICT DO NOTHING;

MERGE INTO kv USING narrow n ON kv.k = n.k WHEN MATCHED THEN UPDATE SET v = 'm' WHEN NOT MATCHED THEN INSERT VALUES (n.k, 'i');

CREATE TABLE made AS SELECT * FROM big;

CREATE TABLE made AS SELECT state, count(*) AS n FROM big GROUP BY state;

SELECT * INTO made FROM plain WHERE c > 10;

CREATE MATERIALIZED VIEW made AS SELECT b.id, b.b, p.a FROM big b JOIN plain p ON p.id = b.id;

DO $$ BEGIN UPDATE big SET c = c + 1; END $$;

DO $$ BEGIN FOR i IN 1..:rows LOOP INSERT INTO narrow VALUES (i, i); END LOOP; END $$;

DO $$ BEGIN IF EXISTS (SELECT FROM room) THEN DELETE FROM plain; END IF; END $$;

COPY big TO '/dev/null';

WITH moved AS (DELETE FROM plain WHERE c <= :rows / 2 RETURNING *) INSERT INTO narrow SELECT a, c FROM moved;

TRUNCATE big;
