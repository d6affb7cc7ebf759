-- One object of every kind that a change can make, in forms that versions of the server tell in words of their own.
CREATE SCHEMA app; COMMENT ON SCHEMA app IS 'the application';
CREATE SCHEMA "odd Name";
CREATE TYPE app.mood AS ENUM ('sad', 'glad'); CREATE TYPE app.pair AS (a int, b text);
CREATE TYPE app.span AS RANGE (SUBTYPE = float8);
CREATE DOMAIN app.code AS text CHECK (VALUE ~ '^[a-z]+$') NOT NULL;
CREATE SEQUENCE app.numbers INCREMENT 5 CACHE 10;
CREATE TABLE app.customers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, code app.code, mood app.mood DEFAULT 'sad',
    lowered text GENERATED ALWAYS AS (lower(name)) STORED, number int DEFAULT nextval('app.numbers'), span app.span,
    born date, at timestamptz DEFAULT now(), CONSTRAINT named CHECK (length(name) > 1), UNIQUE (name, born));
ALTER TABLE app.customers ADD CONSTRAINT later CHECK (born > '1900-01-01') NOT VALID;
CREATE TABLE app.orders (id serial PRIMARY KEY, customer bigint NOT NULL REFERENCES app.customers ON DELETE CASCADE,
    "odd Column" numeric(10, 2) NOT NULL, during tstzrange, EXCLUDE USING gist (during WITH &&));
CREATE TABLE app.events (id bigint, day date NOT NULL, customer bigint REFERENCES app.customers, PRIMARY KEY (id, day))
    PARTITION BY RANGE (day);
CREATE TABLE app.events_2026 PARTITION OF app.events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE app.events_rest PARTITION OF app.events DEFAULT;
CREATE TABLE app.follows (event bigint, day date, FOREIGN KEY (event, day) REFERENCES app.events);
CREATE TABLE app.base (id int NOT NULL, note text); CREATE TABLE app.derived (more int) INHERITS (app.base);
CREATE TABLE "odd Name"."odd Table" ("odd Id" int PRIMARY KEY);
CREATE UNLOGGED TABLE app.fast (id int) WITH (fillfactor = 70);
CREATE INDEX on_lower ON app.customers (lower(name) text_pattern_ops) WHERE born IS NOT NULL;
CREATE INDEX ON app.events (customer) INCLUDE (id);
CREATE STATISTICS app.both ON name, born FROM app.customers;
ALTER TABLE app.customers ALTER COLUMN name SET STATISTICS 500, ALTER COLUMN name SET STORAGE EXTERNAL;
CREATE VIEW app.plain AS SELECT id, name AS called FROM app.customers WHERE born IS NOT NULL ORDER BY name;
CREATE VIEW app.joined AS SELECT c.name, count(*) AS many FROM app.customers c JOIN app.orders o ON o.customer = c.id
    GROUP BY c.name HAVING count(*) > 1;
CREATE VIEW app.nested AS WITH big AS (SELECT o.customer FROM app.orders o WHERE o."odd Column" > 5)
    SELECT p.called, (SELECT max(e.day) FROM app.events e WHERE e.customer = p.id) FROM app.plain p
    WHERE p.id IN (SELECT big.customer FROM big) UNION ALL SELECT b.note, NULL FROM app.base b;
CREATE VIEW app.checked WITH (security_barrier) AS SELECT * FROM app.base WHERE id > 0 WITH LOCAL CHECK OPTION;
CREATE MATERIALIZED VIEW app.kept AS SELECT customer, sum("odd Column") AS total FROM app.orders GROUP BY customer;
CREATE UNIQUE INDEX ON app.kept (customer);
CREATE FUNCTION app.add(a int, b int DEFAULT 1) RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT a + b';
CREATE FUNCTION app.touched() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS
    $$BEGIN NEW.at := now(); RETURN NEW; END$$;
CREATE PROCEDURE app.nothing(INOUT x int) LANGUAGE plpgsql AS $$BEGIN x := x; END$$;
CREATE AGGREGATE app.total(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0');
CREATE TRIGGER touch BEFORE UPDATE OF name ON app.customers FOR EACH ROW WHEN (OLD.name <> NEW.name)
    EXECUTE FUNCTION app.touched();
CREATE TRIGGER each AFTER INSERT ON app.events FOR EACH ROW EXECUTE FUNCTION app.touched();
CREATE CONSTRAINT TRIGGER late AFTER INSERT ON app.orders DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    EXECUTE FUNCTION app.touched();
CREATE RULE silent AS ON DELETE TO app.base WHERE old.id = 0 DO INSTEAD NOTHING;
ALTER TABLE app.orders ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON app.orders FOR SELECT USING (customer IN (SELECT id FROM app.customers WHERE name = current_user));
CREATE OPERATOR app.=== (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq, COMMUTATOR = OPERATOR(app.===));
CREATE COLLATION app.posix FROM "C"; CREATE CAST (app.pair AS text) WITH INOUT;
CREATE TEXT SEARCH CONFIGURATION app.words (COPY = simple);
CREATE PUBLICATION drift_out FOR TABLE app.base, app.customers;
CREATE FOREIGN DATA WRAPPER drift_nowhere; CREATE SERVER drift_far FOREIGN DATA WRAPPER drift_nowhere;
CREATE FOREIGN TABLE app.there (id int) SERVER drift_far;
CREATE FUNCTION app.noted() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN END$$;
CREATE EVENT TRIGGER drift_noted ON ddl_command_end WHEN TAG IN ('COMMENT') EXECUTE FUNCTION app.noted();
GRANT ALL ON app.customers TO PUBLIC; GRANT SELECT, UPDATE (during) ON app.orders TO PUBLIC;
GRANT USAGE ON SCHEMA app TO PUBLIC; GRANT ALL ON ALL SEQUENCES IN SCHEMA app TO PUBLIC;
REVOKE ALL ON FUNCTION app.add(int, int) FROM PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT ALL ON TABLES TO PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT SELECT ON SEQUENCES TO PUBLIC;
COMMENT ON COLUMN app.customers.name IS 'as written'; COMMENT ON FUNCTION app.add(int, int) IS 'adds';
COMMENT ON CONSTRAINT named ON app.customers IS 'short names are typing errors';
COMMENT ON TRIGGER touch ON app.customers IS 'a trigger'; COMMENT ON OPERATOR app.=== (int, int) IS 'an operator';
