-- Statements for which there is safer SQL, or none that would come to the same ("-- none"). Each case has a schema of its
-- own, which the session's search path names; "-- from N" is for versions from N on, "-- random" for values that no two
-- runs share, "-- not in the text" for what hangs on other objects.

-- case: foreign keys keep all that they say
CREATE TABLE author (id int PRIMARY KEY, code text UNIQUE, x int, y int, UNIQUE (x, y));
CREATE TABLE book (id int, author_id int, author_code text, a2 int, x int, y int);
INSERT INTO author SELECT g, 'c' || g, g, g FROM generate_series(1, 20) g;
INSERT INTO book SELECT g, 1 + g % 20, 'c' || (1 + g % 20), 1, 1 + g % 20, 1 + g % 20 FROM generate_series(1, 40) g;
-- test
ALTER TABLE book ADD CONSTRAINT book_author_fk FOREIGN KEY (author_id) REFERENCES author (id)
    ON DELETE CASCADE ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE book ADD FOREIGN KEY (a2) REFERENCES author;
ALTER TABLE book ADD FOREIGN KEY (x, y) REFERENCES author (x, y) MATCH FULL ON DELETE RESTRICT ON UPDATE SET DEFAULT;
ALTER TABLE ONLY book ADD CONSTRAINT "Third Key" FOREIGN KEY (a2) REFERENCES author (id) DEFERRABLE INITIALLY IMMEDIATE;
ALTER TABLE IF EXISTS book ADD CONSTRAINT one FOREIGN KEY (a2) REFERENCES author (id),
    ADD CONSTRAINT two FOREIGN KEY (a2) REFERENCES author (id) ON DELETE SET NULL, ALTER COLUMN a2 SET DEFAULT 5;

-- case: foreign keys of 15 on some columns
-- from 15
CREATE TABLE up (a int, b int, PRIMARY KEY (a, b));
CREATE TABLE down (a int, b int);
-- test
ALTER TABLE down ADD CONSTRAINT k FOREIGN KEY (a, b) REFERENCES up ON DELETE SET NULL (b) ON UPDATE CASCADE;
ALTER TABLE down ADD CONSTRAINT k2 FOREIGN KEY (a, b) REFERENCES up ON DELETE SET DEFAULT (a, b);

-- case: temporal keys of 18
-- from 18
CREATE TABLE room (id int4range, valid daterange NOT NULL, PRIMARY KEY (id, valid WITHOUT OVERLAPS));
CREATE TABLE stay (id int4range, room int4range, valid daterange);
-- test
ALTER TABLE stay ADD CONSTRAINT stay_room FOREIGN KEY (room, PERIOD valid) REFERENCES room (id, PERIOD valid);

-- case: temporal keys have no form with an index that is there
-- from 18
-- none
CREATE TABLE stay (id int4range, valid daterange);
-- test
ALTER TABLE stay ADD CONSTRAINT stay_key UNIQUE (id, valid WITHOUT OVERLAPS);

-- case: quoted names everywhere
CREATE TABLE "User" ("Id" int PRIMARY KEY, "createdAt" timestamptz, "groupId" int, "select" int, "a""b" int);
CREATE TABLE "Group" ("Id" int PRIMARY KEY);
INSERT INTO "Group" VALUES (1);
INSERT INTO "User" SELECT g, '2024-01-01', 1, g, g FROM generate_series(1, 9) g;
CREATE INDEX "User_createdAt_idx" ON "User" ("createdAt");
CREATE INDEX "User_old_Idx" ON "User" ("select");
CREATE MATERIALIZED VIEW "DailyUsers" AS SELECT "Id" AS "D", count(*) FROM "User" GROUP BY 1;
CREATE UNIQUE INDEX "DailyUsers_d" ON "DailyUsers" ("D");
CREATE DOMAIN "Cents" AS int;
CREATE TABLE "Item" (price "Cents");
-- test
ALTER TABLE "User_createdAt_idx" RENAME TO "User_created_Idx";
ALTER TABLE IF EXISTS "User_created_Idx" RENAME TO "User created";
REFRESH MATERIALIZED VIEW "DailyUsers";
ALTER DOMAIN "Cents" ADD CONSTRAINT "Pos" CHECK (VALUE >= 0);
ALTER DOMAIN "Cents" ADD CHECK (VALUE < 100);
CREATE INDEX "User_groupId_idx" ON "User" ("groupId");
ALTER TABLE "User" ADD CONSTRAINT "User_groupId_fkey" FOREIGN KEY ("groupId") REFERENCES "Group"("Id");
ALTER TABLE "User" ALTER COLUMN "groupId" SET NOT NULL;
ALTER TABLE "User" ADD CHECK ("select" > 0);
ALTER TABLE "User" ADD CHECK ("a""b" > "select" - 1);
ALTER TABLE "User" ADD CONSTRAINT "a b" UNIQUE ("a""b", "select") WITH (fillfactor = 70);
DROP INDEX "User_old_Idx";
REINDEX INDEX "User created";
REINDEX (VERBOSE) TABLE "User";
VACUUM FULL "User";
VACUUM (FULL, ANALYZE) "User" ("select"), "Item";

-- case: long names are cut as the server cuts them
CREATE TABLE a_table_with_a_name_that_is_very_nearly_as_long_as_a_name_can_be (
    id int, another_column_with_a_name_that_is_rather_long int, überlänge_ähnlich_wie_möglich_größer_äußerst_ölig int
);
CREATE TABLE other (id int PRIMARY KEY);
-- test
ALTER TABLE a_table_with_a_name_that_is_very_nearly_as_long_as_a_name_can_be
    ADD CHECK (another_column_with_a_name_that_is_rather_long > 0);
ALTER TABLE a_table_with_a_name_that_is_very_nearly_as_long_as_a_name_can_be
    ADD FOREIGN KEY (überlänge_ähnlich_wie_möglich_größer_äußerst_ölig) REFERENCES other;
ALTER TABLE a_table_with_a_name_that_is_very_nearly_as_long_as_a_name_can_be
    ADD UNIQUE (another_column_with_a_name_that_is_rather_long, überlänge_ähnlich_wie_möglich_größer_äußerst_ölig);
ALTER TABLE a_table_with_a_name_that_is_very_nearly_as_long_as_a_name_can_be
    ALTER überlänge_ähnlich_wie_möglich_größer_äußerst_ölig SET NOT NULL;
ALTER TABLE a_table_with_a_name_that_is_very_nearly_as_long_as_a_name_can_be ADD PRIMARY KEY (id);

-- case: unnamed constraints whose names are taken
-- not in the text
CREATE TABLE t (a int, b int, c int, CONSTRAINT t_a_check CHECK (b > 0), CONSTRAINT t_check CHECK (b > 1));
CREATE TABLE u (id int PRIMARY KEY);
CREATE TABLE t_b_key (x int);
INSERT INTO t VALUES (1, 2, 3);
-- test
ALTER TABLE t ADD CHECK (a > 0);
ALTER TABLE t ADD CHECK (a > 0 AND b > 0);
ALTER TABLE t ADD CHECK (true);
ALTER TABLE t ADD UNIQUE (b);
ALTER TABLE t ADD UNIQUE (a), ADD CHECK (a < 5), ADD CHECK (a < 6);

-- case: unique keys keep all that they say
CREATE TABLE acc (id int NOT NULL, email text, tenant int, ext text, "camelCase" int, n int);
INSERT INTO acc SELECT g, 'e' || g, g % 3, 'x' || g, g, g FROM generate_series(1, 40) g;
-- test
ALTER TABLE acc ADD CONSTRAINT acc_email UNIQUE (email) INCLUDE (tenant) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE acc ADD UNIQUE (email, tenant) INCLUDE (n);
ALTER TABLE acc ADD CONSTRAINT acc_camel UNIQUE ("camelCase") WITH (fillfactor = 70) USING INDEX TABLESPACE pg_default;
ALTER TABLE acc ADD CONSTRAINT acc_pk PRIMARY KEY (id) DEFERRABLE, ALTER COLUMN n SET DEFAULT 3;
ALTER TABLE acc DROP CONSTRAINT acc_email, ADD CONSTRAINT acc_email UNIQUE (email, ext);

-- case: unique keys of 15
-- from 15
CREATE TABLE acc (ext text);
-- test
ALTER TABLE acc ADD CONSTRAINT acc_ext UNIQUE NULLS NOT DISTINCT (ext);

-- case: a primary key on columns that may be empty
CREATE TABLE t (a int, b int NOT NULL, c text);
CREATE TABLE heir () INHERITS (t);
INSERT INTO t VALUES (1, 1, 'x'), (2, 2, 'y');
-- test
ALTER TABLE t ADD PRIMARY KEY (a, b);

-- case: new columns with keys
CREATE TABLE u (id int PRIMARY KEY);
INSERT INTO u VALUES (1);
CREATE TABLE t (id int);
INSERT INTO t VALUES (1);
-- test
ALTER TABLE t ADD COLUMN tok uuid UNIQUE;
ALTER TABLE t ADD COLUMN tok2 int CONSTRAINT "Tok" UNIQUE DEFERRABLE INITIALLY DEFERRED CHECK (tok2 > 0);
ALTER TABLE t ADD COLUMN c int CHECK (c >= 0);
ALTER TABLE t ADD COLUMN d int DEFAULT 5 CHECK (d >= 0) CONSTRAINT dd CHECK (d < 9);
ALTER TABLE t ADD COLUMN r int DEFAULT 1 REFERENCES u ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE t ADD COLUMN s int, ADD COLUMN v int DEFAULT 1, ADD UNIQUE (s), ADD CHECK (v > s), ADD FOREIGN KEY (v) REFERENCES u;

-- case: new columns with volatile defaults
-- random
CREATE DOMAIN tok AS uuid DEFAULT gen_random_uuid();
CREATE TABLE t (id int);
INSERT INTO t SELECT generate_series(1, 5);
-- test
ALTER TABLE t ADD COLUMN a uuid DEFAULT gen_random_uuid();
ALTER TABLE t ADD COLUMN "B" float8 NOT NULL DEFAULT random() CHECK ("B" >= 0) UNIQUE;
ALTER TABLE t ADD COLUMN c timestamptz DEFAULT clock_timestamp() NOT NULL, ADD COLUMN e int DEFAULT 5;
ALTER TABLE t ADD COLUMN k tok;
ALTER TABLE t ADD COLUMN k3 tok DEFAULT gen_random_uuid() NOT NULL;
ALTER TABLE t ADD COLUMN x text COLLATE "C" DEFAULT md5(random()::text);

-- case: new columns of serial type
CREATE TABLE t (id int);
INSERT INTO t SELECT generate_series(1, 5);
CREATE TABLE "Ser" (x int);
INSERT INTO "Ser" VALUES (1), (2);
CREATE SCHEMA "Other S";
-- test
ALTER TABLE t ADD COLUMN serial_no bigserial UNIQUE;
ALTER TABLE t ADD COLUMN n smallserial;
ALTER TABLE t ADD COLUMN m serial PRIMARY KEY;
ALTER TABLE "Ser" ADD COLUMN "No" serial;

-- case: new columns that only a rewrite gives
-- none
CREATE TABLE t (id int);
INSERT INTO t VALUES (1);
CREATE DOMAIN pos AS int CHECK (VALUE > 0);
-- test
ALTER TABLE t ADD COLUMN i int GENERATED ALWAYS AS IDENTITY;
ALTER TABLE t ADD COLUMN g int GENERATED ALWAYS AS (id + 1) STORED;
ALTER TABLE t ADD COLUMN d pos;

-- case: not null without a default
CREATE TABLE t (id int);
CREATE TABLE "T 2" (id int);
-- test
ALTER TABLE t ADD COLUMN a int NOT NULL;
ALTER TABLE "T 2" ADD COLUMN "B" varchar(10) COLLATE "C" NOT NULL CHECK ("B" <> '');
ALTER TABLE t ADD COLUMN b numeric(10, 2)[] NOT NULL, ADD COLUMN c int;

-- case: set not null
CREATE TABLE t (a int, b int, c int, d int);
INSERT INTO t VALUES (1, 2, 3, 4);
CREATE TABLE p (a int, b int) PARTITION BY RANGE (b);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
CREATE TABLE p2 PARTITION OF p DEFAULT;
CREATE TABLE parent (a int, b int);
CREATE TABLE child () INHERITS (parent);
-- test
ALTER TABLE t ALTER a SET NOT NULL;
ALTER TABLE t ALTER b SET NOT NULL, ALTER c SET NOT NULL, ALTER c SET DEFAULT 7;
ALTER TABLE p ALTER COLUMN a SET NOT NULL;
ALTER TABLE parent ALTER COLUMN a SET NOT NULL;

-- case: not null constraints of 18
-- from 18
CREATE TABLE t (a int, b int);
INSERT INTO t VALUES (1, 2);
-- test
ALTER TABLE t ADD CONSTRAINT "No Null" NOT NULL a;
ALTER TABLE t ADD NOT NULL b;

-- case: checks
CREATE TABLE t (id int PRIMARY KEY, a int, b int);
INSERT INTO t SELECT g, g, g FROM generate_series(1, 10) g;
CREATE TABLE heir () INHERITS (t);
CREATE TABLE p (a int, b int) PARTITION BY RANGE (b);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
-- test
ALTER TABLE t ADD CHECK (a > 0);
ALTER TABLE t ADD CONSTRAINT b_pos CHECK (b > 0);
ALTER TABLE ONLY t ADD CONSTRAINT x CHECK (a > -1) NO INHERIT;
ALTER TABLE p ADD CHECK (a > 0 OR a IS NULL), ADD COLUMN c int;

-- case: exclusion constraints have no other way
-- none
CREATE TABLE t (a int, EXCLUDE USING btree (a WITH =));
INSERT INTO t VALUES (1);
-- test
REINDEX TABLE t;
REINDEX INDEX t_a_excl;

-- case: types
-- columns in any order
CREATE TABLE t (id int PRIMARY KEY, a int, b text NOT NULL, c varchar(20), "D" text, e timestamp, f text COLLATE "C");
INSERT INTO t SELECT g, g, g::text, 'v' || g, 'abc', '2020-01-01 12:00', g FROM generate_series(1, 5) g;
-- test
ALTER TABLE t ALTER COLUMN a TYPE bigint;
ALTER TABLE t ALTER COLUMN b TYPE int USING length(b) + t.id;
ALTER TABLE t ALTER COLUMN c TYPE varchar(5);
ALTER TABLE t ALTER COLUMN "D" TYPE varchar(3)[] USING ARRAY["D"]::varchar(3)[];
ALTER TABLE t ALTER COLUMN e TYPE date USING (e AT TIME ZONE 'UTC')::date;
ALTER TABLE t ALTER COLUMN f TYPE varchar(9) COLLATE "POSIX";

-- case: types of columns with more than a type
-- none
CREATE TABLE t (id int PRIMARY KEY, a int DEFAULT 5, b int CHECK (b > 0), c int, d int, e int, f int);
CREATE INDEX ON t (c);
COMMENT ON COLUMN t.d IS 'said of it';
ALTER TABLE t ALTER e SET STATISTICS 500;
CREATE STATISTICS s ON e, f FROM t;
-- test
ALTER TABLE t ALTER id TYPE bigint;
ALTER TABLE t ALTER a TYPE bigint;
ALTER TABLE t ALTER b TYPE bigint;
ALTER TABLE t ALTER c TYPE bigint;
ALTER TABLE t ALTER d TYPE bigint;
ALTER TABLE t ALTER e TYPE bigint;
ALTER TABLE t ALTER f TYPE bigint;

-- case: indexes
CREATE TABLE t (id int PRIMARY KEY, a int, b text, "C" int);
INSERT INTO t SELECT g, g, 'b' FROM generate_series(1, 10) g;
CREATE INDEX t_a ON t (a);
CREATE INDEX t_b ON t (b);
CREATE INDEX t_c ON t (b, a);
-- test
/* the INDEX for search */ CREATE INDEX t_ab ON t (a, b);
CREATE /* an INDEX */ UNIQUE INDEX t_u ON t (id, a);
CREATE INDEX IF NOT EXISTS t_x ON t (b) -- trailing; comment
;
CREATE INDEX ON t USING hash (a);
CREATE INDEX "Big One" ON ONLY t (lower(b) COLLATE "C" text_pattern_ops DESC NULLS LAST, "C") INCLUDE (id)
    WITH (fillfactor = 70) TABLESPACE pg_default WHERE a > 5 AND b ~ 'INDEX ';
DROP INDEX IF EXISTS t_a;
DROP INDEX t_b, t_x;
DROP INDEX IF EXISTS t_gone, t_c;

-- case: what CONCURRENTLY can't do
-- none
CREATE TABLE t (id int, a int UNIQUE);
CREATE INDEX t_id ON t (id);
-- test
DROP INDEX t_id CASCADE;

-- case: refresh
CREATE TABLE t (id int, a int);
INSERT INTO t VALUES (1, 1);
CREATE MATERIALIZED VIEW mv AS SELECT id, a FROM t;
CREATE UNIQUE INDEX ON mv (id);
-- test
REFRESH MATERIALIZED VIEW mv;
REFRESH MATERIALIZED VIEW mv WITH DATA;

-- case: refresh without a fitting index
-- none
CREATE TABLE t (id int, a int);
CREATE MATERIALIZED VIEW mv1 AS SELECT id, a FROM t;
CREATE MATERIALIZED VIEW mv2 AS SELECT id, a FROM t;
CREATE UNIQUE INDEX mv2_u ON mv2 (id) WHERE a > 0;
CREATE UNIQUE INDEX mv2_e ON mv2 ((id + 1));
-- test
REFRESH MATERIALIZED VIEW mv1;
REFRESH MATERIALIZED VIEW mv2;

-- case: partitions that are made
CREATE TABLE m (
    id bigint GENERATED ALWAYS AS IDENTITY, at date NOT NULL, region text COLLATE "C" DEFAULT 'x', price int CHECK (price < 9),
    gross int GENERATED ALWAYS AS (price * 2) STORED, note text, CONSTRAINT m_all CHECK (price > 0 OR note <> '')
) PARTITION BY RANGE (at);
CREATE TABLE up (id int PRIMARY KEY);
ALTER TABLE m ALTER note SET STORAGE EXTERNAL;
CREATE INDEX ON m (region, price);
CREATE INDEX m_lower ON m (lower(note));
ALTER TABLE m ADD UNIQUE (at, region);
ALTER TABLE m ADD FOREIGN KEY (price) REFERENCES up;
CREATE FUNCTION tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER tr BEFORE INSERT ON m FOR EACH ROW EXECUTE FUNCTION tf();
COMMENT ON COLUMN m.note IS 'a note';
CREATE STATISTICS ms ON region, price FROM m;
CREATE TABLE "Event" (id int, "At" date) PARTITION BY RANGE ("At");
CREATE TABLE h (a int, b text, PRIMARY KEY (a)) PARTITION BY HASH (a);
CREATE TABLE l (a int, b text) PARTITION BY LIST (b);
-- test
CREATE TABLE m_2025 PARTITION OF m FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE m_2026 PARTITION OF m FOR VALUES FROM ('2026-01-01') TO ('2027-01-01') PARTITION BY RANGE (at, region);
CREATE TABLE m_2027 PARTITION OF m FOR VALUES FROM ('2027-01-01') TO ('2028-01-01') WITH (fillfactor = 70) TABLESPACE pg_default;
CREATE TABLE m_2028 PARTITION OF m (note NOT NULL, CHECK (price > 0), CONSTRAINT "Own" CHECK (price > 1), price DEFAULT 7)
    FOR VALUES FROM ('2028-01-01') TO ('2029-01-01');
CREATE UNLOGGED TABLE m_2029 PARTITION OF m FOR VALUES FROM ('2029-01-01') TO (MAXVALUE);
CREATE TABLE IF NOT EXISTS m_rest PARTITION OF m DEFAULT;
CREATE TABLE "Event_2025" PARTITION OF "Event" FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE h0 PARTITION OF h FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE l0 PARTITION OF l FOR VALUES IN ('it''s', NULL);

-- case: partitions that go
-- from 14
-- leaves a check
CREATE TABLE p (a int, "B" int) PARTITION BY RANGE ("B");
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
CREATE TABLE "P 2" PARTITION OF p FOR VALUES FROM (10) TO (20);
CREATE TABLE p3 PARTITION OF p FOR VALUES FROM (20) TO (30);
CREATE TABLE p4 PARTITION OF p FOR VALUES FROM (30) TO (40);
CREATE VIEW seen AS SELECT * FROM p4;
CREATE TABLE other (x int);
INSERT INTO p VALUES (1, 1), (1, 11), (1, 21);
-- test
ALTER TABLE p DETACH PARTITION p1;
ALTER TABLE IF EXISTS p DETACH PARTITION "P 2";
DROP TABLE IF EXISTS p3, other;
DROP TABLE p4 CASCADE;

-- case: indexes of partitioned tables
-- not in the text
CREATE TABLE p (a int, "B" int, c text) PARTITION BY RANGE ("B");
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
CREATE TABLE "P2" (c text, x int, "B" int, a int);
ALTER TABLE "P2" DROP COLUMN x;
ALTER TABLE p ATTACH PARTITION "P2" FOR VALUES FROM (10) TO (20);
CREATE TABLE p3 PARTITION OF p FOR VALUES FROM (20) TO (30) PARTITION BY LIST (a);
CREATE TABLE p31 PARTITION OF p3 FOR VALUES IN (1);
CREATE TABLE p32 PARTITION OF p3 DEFAULT;
INSERT INTO p VALUES (1, 1, 'x'), (1, 11, 'y'), (1, 21, 'z'), (2, 22, 'z');
-- test
CREATE INDEX "P_a" ON p (a);
CREATE UNIQUE INDEX ON p ("B", a) INCLUDE (c) WITH (fillfactor = 80);
CREATE INDEX IF NOT EXISTS p_low ON p (lower(c) DESC, (a + 1), (coalesce(a, 0))) WHERE a > 0;

-- case: indexes of partitioned tables where a partition has one
-- none
CREATE TABLE p (a int, b int) PARTITION BY RANGE (b);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
CREATE INDEX own ON p1 (a);
-- test
CREATE INDEX p_a ON p (a);
