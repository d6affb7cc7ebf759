"""Ways to lose data, and statements that look like it and lose none; on the tables of loss_schema.sql."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """A script. `earlier`: a change of the same plan that runs before it. `since`: the server's major version that it
    needs: older ones refuse it. `shows`: whether what it does can be seen by running it in one transaction; `plain`:
    without psql."""

    sql: str
    earlier: str = ""
    since: int = 0
    shows: bool = True
    plain: bool = True
    needs: str = ""


C = Case
DO = "DO $$ BEGIN {} END $$;"

LOSES = (
    # code that runs beside what a statement says
    C("INSERT INTO app.of_domain (id, h) VALUES (1, 2);"),
    C("INSERT INTO app.of_greedy (id) VALUES (1);"),
    C("INSERT INTO app.of_cast (id, w) VALUES (1, 5);"),
    C(
        "SELECT 5::app.pair;",
        "CREATE FUNCTION app.to_pair(int) RETURNS app.pair LANGUAGE plpgsql AS"
        " $$ BEGIN DELETE FROM app.victim; RETURN NULL; END $$;"
        " CREATE CAST (int AS app.pair) WITH FUNCTION app.to_pair(int);",
        shows=False,
    ),
    C("SELECT 5::app.wrapped;"),
    C(
        "DROP EXTENSION ltree CASCADE;",
        "CREATE EXTENSION ltree; ALTER TABLE app.plain ALTER COLUMN what TYPE ltree USING what::ltree;",
    ),
    C("INSERT INTO app.of_index VALUES (1); CREATE INDEX ON app.of_index (app.chew(id));"),
    C("INSERT INTO app.of_index VALUES (1);", "CREATE INDEX ON app.of_index (app.chew(id)) WHERE id > 0;"),
    C("SELECT * FROM app.of_policy;", shows=False),
    C("INSERT INTO app.of_policy VALUES (1);", shows=False),
    # of a domain that is there already, by whatever a value becomes one of it
    C("ALTER TABLE app.plain ADD COLUMN h app.picky;"),
    C("ALTER TABLE app.plain ADD COLUMN g app.greedy;"),
    C("ALTER TABLE app.plain ALTER COLUMN id TYPE app.picky USING id + 1;"),
    C("ALTER TABLE app.plain ADD COLUMN h int DEFAULT 5::app.hungry; INSERT INTO app.plain VALUES (3);"),
    C("ALTER TABLE app.plain ADD CHECK (id::app.picky > 0);"),
    C("ALTER TABLE app.plain ADD COLUMN h app.hungry[] DEFAULT '{1}';"),
    C("ALTER TABLE app.plain ADD COLUMN o app.holder DEFAULT '(1)';"),
    C("ALTER DOMAIN app.lazy VALIDATE CONSTRAINT eats;"),
    C("ALTER TABLE app.of_lazy_check VALIDATE CONSTRAINT eats;"),
    C("SELECT CAST(code AS app.picky) FROM app.ref;"),
    C("SELECT app.hungry(5);"),
    C("SELECT '{5}'::app.hungry[];"),
    C("SELECT ROW(5)::app.holder;"),
    C("SELECT * FROM jsonb_to_recordset('[{\"a\": 1}]') AS t(a app.hungry);"),
    C("SELECT * FROM jsonb_populate_record(NULL::app.holder, '{\"h\": 1}');"),
    C("SELECT * FROM app.casting;"),
    C("SELECT app.takes(5);"),
    C("PREPARE p (app.hungry) AS SELECT $1; EXECUTE p (5);"),
    C("SET search_path = app; DO $$ DECLARE v hungry := 5; BEGIN NULL; END $$;"),
    C("DO $$ DECLARE v app.hungry := 5; BEGIN NULL; END $$;"),
    C("DO $$ DECLARE v citext := app.forget(1); BEGIN NULL; END $$;"),
    C("INSERT INTO app.of_holder VALUES (1, '(1)');"),
    C("INSERT INTO app.of_list VALUES (1, '{1}');"),
    C("INSERT INTO app.k VALUES (1, 1);", "CREATE TABLE app.k (LIKE app.of_domain);"),
    C("INSERT INTO app.k VALUES (1, 1);", "CREATE TABLE app.k AS TABLE app.of_domain;"),
    C("CREATE TABLE app.k OF app.holder; INSERT INTO app.k VALUES (1);"),
    C("CREATE TABLE app.k AS SELECT id::app.hungry FROM app.plain;"),
    C("CREATE DOMAIN app.dd AS app.hungry; SELECT 1::app.dd;"),
    C("CREATE INDEX ON app.log ((id::app.hungry));", shows=False),
    C("COPY app.of_domain FROM STDIN;\n1\t1\n\\.\n", shows=False),
    # of a column of a table, whose type is that of a variable
    C("DO $$ DECLARE x app.of_domain.h%TYPE; BEGIN x := 5; END $$;"),
    C("SET search_path = app; DO $$ DECLARE x constant of_domain.h%TYPE := 4; BEGIN NULL; END $$;"),
    C("DO $$ DECLARE r app.of_domain%ROWTYPE; BEGIN r.h := 5; END $$;"),
    C("SET search_path = app; DO $$ DECLARE r of_domain%ROWTYPE; BEGIN SELECT 1, 2 INTO r; END $$;"),
    C("DO $$ DECLARE r app.of_domain; BEGIN r.h := 5; END $$;"),
    C("DO $$ DECLARE r app.of_domain[]; BEGIN r := ARRAY[ROW(1, 2)]; END $$;"),
    C("SELECT ROW(1, 2)::app.of_domain;"),
    C(
        "SELECT app.k(1);",
        "CREATE FUNCTION app.k(n int) RETURNS int LANGUAGE plpgsql AS"
        " $$ DECLARE x app.of_domain.h%TYPE; BEGIN x := n; RETURN x; END $$;",
    ),
    # a partition's own trigger, which its parent's switch leaves as it is
    C(
        "ALTER TABLE app.k DISABLE TRIGGER ALL; INSERT INTO app.k1 VALUES (1);",
        "CREATE TABLE app.k (id int) PARTITION BY RANGE (id); CREATE TABLE app.k1 PARTITION OF app.k DEFAULT;"
        " CREATE TRIGGER each AFTER INSERT ON app.k FOR EACH ROW EXECUTE FUNCTION app.wipe_log();"
        " CREATE TRIGGER own AFTER INSERT ON app.k1 FOR EACH ROW EXECUTE FUNCTION app.wipe_log();",
    ),
    C(
        "SET search_path = s1; SELECT app.high(), app.low();",
        "CREATE SCHEMA s1; CREATE TABLE s1.victim (id int);"
        " CREATE FUNCTION app.low() RETURNS int LANGUAGE plpgsql AS $$ BEGIN DELETE FROM victim; RETURN 1; END $$;"
        " CREATE FUNCTION app.high() RETURNS int LANGUAGE plpgsql SET search_path = app AS"
        " $$ BEGIN RETURN app.low(); END $$;",
    ),
    # code that runs twice in one statement, the first time for nothing
    C(
        "DO $$ BEGIN BEGIN PERFORM app.forget(1); RAISE EXCEPTION 'x';"
        " EXCEPTION WHEN others THEN PERFORM app.forget(1); END; END $$;"
    ),
    C("DO $$ BEGIN EXECUTE 'EXPLAIN SELECT app.forget(1)'; PERFORM app.forget(1); END $$;"),
    C(
        "DO $$ BEGIN IF random() > 2 THEN DROP TABLE app.fleeting; END IF; PERFORM app.forget(1) FROM app.fleeting;"
        " END $$;"
    ),
    C(
        "DO $$ BEGIN IF random() < 2 THEN CREATE TABLE app.maybe (); END IF;"
        " PERFORM app.clean_up(); PERFORM app.clean_up(); END $$;",
        "CREATE FUNCTION app.clean_up() RETURNS void LANGUAGE plpgsql AS $$ BEGIN"
        " IF false THEN NULL; END IF; PERFORM 1 FROM app.maybe; DELETE FROM app.log; END $$;",
    ),
    # indexes and statistics that are worked out anew for the rows that are there
    C("REINDEX TABLE app.of_chewed;"),
    C("REINDEX INDEX app.of_chewed_some;"),
    C("REINDEX SCHEMA app;", shows=False),
    C("REINDEX TABLE CONCURRENTLY app.of_chewed;", shows=False),
    C("CLUSTER app.of_chewed USING of_chewed_pkey;"),
    C("VACUUM FULL app.of_chewed;", shows=False),
    C("ANALYZE app.of_chewed;"),
    C("ANALYZE;"),
    C("VACUUM (ANALYZE) app.of_chewed;", shows=False),
    C("ALTER TABLE app.of_chewed ALTER COLUMN id TYPE bigint;"),
    C("ALTER TABLE app.of_chewed ADD COLUMN s serial;"),
    C("ALTER TABLE app.of_chewed ADD COLUMN s timestamptz DEFAULT clock_timestamp();"),
    C("ALTER TABLE app.of_chewed SET UNLOGGED;"),
    C("ALTER TABLE app.of_parts ATTACH PARTITION app.of_index DEFAULT;", "INSERT INTO app.of_index VALUES (1);"),
    C("REFRESH MATERIALIZED VIEW app.of_chewed_seen;"),
    C("ANALYZE app.of_counted;", since=14),
    # defaults and generated columns of rows that are there already
    C("UPDATE app.defaulted SET (id, n) = (2, DEFAULT);", "INSERT INTO app.defaulted VALUES (1, 1);"),
    C("UPDATE app.of_greedy SET g = DEFAULT;", "INSERT INTO app.of_greedy VALUES (1, 1);"),
    C("UPDATE app.computed SET id = 2;"),
    C("DELETE FROM app.key_there WHERE id = 5;"),
    # code that the script itself has put where rows are written, read or looked at
    C("ALTER TABLE app.plain ALTER COLUMN id SET DEFAULT app.forget(1); INSERT INTO app.plain (what) VALUES ('x');"),
    C(
        "CREATE TABLE app.k (id int); ALTER TABLE app.k ALTER id SET DEFAULT app.forget(1);"
        " INSERT INTO app.k DEFAULT VALUES;"
    ),
    C(
        "INSERT INTO app.plain (id) VALUES (2);",
        "ALTER TABLE app.plain ADD COLUMN n int; ALTER TABLE app.plain ALTER n SET DEFAULT app.forget(1);",
    ),
    C("ALTER TABLE app.plain ADD CHECK (app.forget(1) = id) NOT VALID; INSERT INTO app.plain VALUES (1);"),
    C("CREATE TABLE app.k (id int, e int GENERATED ALWAYS AS (app.chew(id)) STORED); INSERT INTO app.k VALUES (1);"),
    C("CREATE TABLE app.k (LIKE app.defaulted INCLUDING ALL); INSERT INTO app.k DEFAULT VALUES;"),
    C("CREATE TABLE app.k (LIKE app.checked INCLUDING CONSTRAINTS); INSERT INTO app.k VALUES (1, 1);"),
    C("CREATE TABLE app.k () INHERITS (app.defaulted); INSERT INTO app.k VALUES (1);"),
    C(
        "CREATE TABLE app.k (n int CHECK (app.forget(n) IS NOT NULL)); CREATE TABLE app.k2 () INHERITS (app.k);"
        " INSERT INTO app.k2 VALUES (1);"
    ),
    C(
        "INSERT INTO app.k1 DEFAULT VALUES;",
        "CREATE TABLE app.k (id int DEFAULT app.forget(1)) PARTITION BY RANGE (id);"
        " CREATE TABLE app.k1 PARTITION OF app.k DEFAULT;",
    ),
    C("CREATE DOMAIN app.dd AS int CHECK (app.eat_all(VALUE)); SELECT 1::app.dd;"),
    C("CREATE DOMAIN app.dd AS int; ALTER DOMAIN app.dd ADD CHECK (app.eat_all(VALUE)); SELECT 1::app.dd;"),
    C("ALTER DOMAIN app.cents ADD CHECK (app.eat_all(VALUE));"),
    C("INSERT INTO app.item (id) VALUES (99);", "ALTER DOMAIN app.cents SET DEFAULT app.forget(1);"),
    C("CREATE POLICY p ON app.plain USING (app.eat_all(id)); SELECT * FROM app.plain;", shows=False),
    C("CREATE STATISTICS app.st ON (app.chew(id)), what FROM app.log; ANALYZE app.log;", since=14),
    # SQL that functions of the server make themselves
    C("SELECT table_to_xml('app.eating', true, true, '');", shows=False),
    C("SELECT pg_catalog.table_to_xml_and_xmlschema('app.eating', true, true, '');", shows=False),
    C("SELECT schema_to_xml('app', true, true, '');", shows=False),
    C("SELECT x FROM database_to_xml(true, true, '') AS x;", shows=False),
    # of whom everything falls
    C("ALTER ROLE loss_owner RENAME TO loss_renamed; DROP OWNED BY loss_renamed;"),
    C("SET ROLE loss_owner; DROP OWNED BY CURRENT_ROLE;", shows=False),
    C("SET SESSION AUTHORIZATION loss_owner; DROP OWNED BY SESSION_USER;", shows=False),
    C("DROP OWNED BY CURRENT_USER CASCADE;", shows=False),
    # transactions that aren't certainly rolled back, and what outlasts one that is
    C("BEGIN; DELETE FROM app.log; COMMIT;", shows=False),
    C("BEGIN; DELETE FROM app.log; ROLLBACK; DELETE FROM app.log;", shows=False),
    C("BEGIN; SELECT setval('app.num', 1); DELETE FROM app.log; ROLLBACK;", shows=False),
    C("BEGIN; SAVEPOINT s; DELETE FROM app.log; RELEASE s; SAVEPOINT s; ROLLBACK TO s; COMMIT;", shows=False),
    C("DELETE FROM app.log; ROLLBACK;", shows=False),
    C("BEGIN; COMMIT; DELETE FROM app.log; ROLLBACK;", shows=False),
    C("BEGIN; DELETE FROM app.log; COMMIT AND CHAIN; ROLLBACK;", shows=False),
    C("BEGIN; DELETE FROM app.log;\n\\if :maybe\nCOMMIT;\n\\endif\nROLLBACK;", plain=False),
    C("\\if :maybe\nBEGIN;\n\\endif\nDELETE FROM app.log; ROLLBACK;", plain=False),
    C("BEGIN; DELETE FROM app.log; SELECT 'COMMIT' \\gexec\nROLLBACK;", plain=False),
    C("BEGIN; DELETE FROM app.log; :stmt; ROLLBACK;", plain=False),
    C("\\set AUTOCOMMIT off\nBEGIN; COMMIT; BEGIN; DELETE FROM app.log; ROLLBACK;", plain=False),
    C("\\if true\nDELETE FROM app.log;\n\\endif", plain=False),
    C("\\if false\n\\else\nDELETE FROM app.log;\n\\endif", plain=False),
    C("\\if false\n\\elif :maybe\nDELETE FROM app.log;\n\\endif", plain=False),
    C("\\if falsehood\n\\else\nDELETE FROM app.log;\n\\endif", plain=False),
    C(
        "\\if :maybe\n\\set off true\n\\else\n\\set off false\n\\endif\n\\if :off\nDELETE FROM app.log;\n\\endif",
        plain=False,
    ),
    C("BEGIN; DELETE FROM app.log;\n\\if false\nROLLBACK;\n\\endif\nCOMMIT;", plain=False),
    # statements
    C("DELETE FROM app.log;"),
    C("DELETE FROM app.log WHERE id = 1;"),
    C("TRUNCATE app.log;"),
    C("DROP TABLE app.plain;"),
    C("DROP TABLE IF EXISTS app.plain;"),
    C("UPDATE app.item SET note = 'x';"),
    C("UPDATE app.item SET note = NULL WHERE note IS NOT NULL;"),
    C("UPDATE app.item SET note = 'x', empty = 'y' WHERE empty IS NULL;"),
    C("UPDATE app.item SET note = 'x' WHERE note IS NULL OR id = 1;"),
    C("ALTER TABLE app.item DROP COLUMN note;"),
    C("ALTER TABLE app.item DROP COLUMN IF EXISTS note, ADD COLUMN note text;"),
    C("MERGE INTO app.item i USING app.ref r ON i.id = r.code WHEN MATCHED THEN UPDATE SET note = r.t;", since=15),
    C("MERGE INTO app.item i USING app.ref r ON i.id = r.code WHEN MATCHED THEN DELETE;", since=15),
    C("MERGE INTO app.item i USING app.log r ON i.id = r.id WHEN NOT MATCHED BY SOURCE THEN DELETE;", since=17),
    C("INSERT INTO app.ref VALUES (1, 'uno') ON CONFLICT (code) DO UPDATE SET t = excluded.t;"),
    C("WITH gone AS (DELETE FROM app.log RETURNING *) INSERT INTO app.counted (t) SELECT what FROM gone;"),
    C("WITH log AS (SELECT 1) DELETE FROM app.log;"),
    C("CREATE TABLE app.copy AS SELECT app.forget(id) FROM app.log;"),
    C("SELECT app.forget(id) INTO app.copy FROM app.log;"),
    # what falls along
    C("DROP SCHEMA other CASCADE;"),
    C("DROP TYPE app.shade CASCADE;"),
    C("DROP DOMAIN app.cents CASCADE;"),
    C("DROP TYPE app.pair CASCADE;"),
    C("DROP EXTENSION hstore CASCADE;"),
    C("DROP EXTENSION citext CASCADE;"),
    C("DROP OWNED BY loss_owner;"),
    C("DROP TABLE app.day;"),
    C("DROP TABLE app.day1;"),
    C("ALTER TABLE app.day DETACH PARTITION app.day1; DROP TABLE app.day1;"),
    C("DROP TABLE app.base CASCADE;"),
    C("DROP SEQUENCE app.num;"),
    C("DROP TABLE app.counted;"),
    C("DELETE FROM app.item WHERE id = 1;"),
    C("DELETE FROM app.ref WHERE code = 1;"),
    C("TRUNCATE app.item CASCADE;"),
    C("TRUNCATE app.item, app.child;"),
    C("UPDATE app.ref SET code = 9 WHERE code = 1;"),
    C("ALTER TABLE app.base DROP COLUMN a;"),
    C("DELETE FROM app.base;"),
    C("UPDATE app.base SET a = 'z';"),
    C("TRUNCATE app.base;"),
    # types
    C("ALTER TABLE app.item ALTER COLUMN name TYPE varchar(3) USING left(name, 3);"),
    C("ALTER TABLE app.item ALTER COLUMN price TYPE numeric(10,1);"),
    C("ALTER TABLE app.item ALTER COLUMN price TYPE int;"),
    C("ALTER TABLE app.item ALTER COLUMN at TYPE timestamptz(0);"),
    C("ALTER TABLE app.item ALTER COLUMN at TYPE date USING at::date;"),
    C("ALTER TABLE app.item ALTER COLUMN note TYPE int USING length(note);"),
    C("ALTER TABLE app.item ALTER COLUMN note TYPE text USING NULL;"),
    C("ALTER TABLE app.item ALTER COLUMN name TYPE char(3);", shows=False),
    C("ALTER TABLE app.item ALTER COLUMN twice SET EXPRESSION AS (id * 3);", since=17, shows=False),
    C("ALTER TABLE app.item ALTER COLUMN twice DROP EXPRESSION;", shows=False),
    C("ALTER TYPE app.pair DROP ATTRIBUTE r CASCADE;", shows=False),
    C("UPDATE app.item SET (note, empty) = ('x', 'y');"),
    C("UPDATE app.item SET both_of.l = 9;"),
    # sequences and large objects
    C("SELECT setval('app.num', 1);"),
    C("SELECT setval('app.num'::regclass, 1, false);"),
    C("SELECT setval(pg_get_serial_sequence('app.counted', 'id'), 1);"),
    C("SELECT pg_catalog.setval('app.num', 1);"),
    C("ALTER SEQUENCE app.num RESTART;"),
    C("ALTER SEQUENCE app.num RESTART WITH 1;"),
    C("ALTER TABLE app.counted ALTER COLUMN id DROP DEFAULT; DROP SEQUENCE app.counted_id_seq;"),
    C("TRUNCATE app.counted RESTART IDENTITY;"),
    C("SELECT lo_unlink(424242);"),
    C("SELECT lo_put(424242, 0, 'xyz');"),
    C("SELECT lowrite(lo_open(424242, 131072), 'zzz');"),
    C("SELECT lo_truncate(lo_open(424242, 131072), 0);"),
    # functions, DO and what calls them
    C("SELECT app.purge();"),
    C("SELECT app.purge_sql();"),
    C("SELECT app.outer_one();"),
    C("SELECT app.stable_one();"),
    C("SELECT app.drop_shard(7);"),
    C("SELECT app.run('DELETE FROM app.log');"),
    C("SELECT app.run(what) FROM app.log;", shows=False),
    C("SELECT app.pathed();"),
    C("SELECT app.many(3);"),
    C("SELECT 1 FROM app.ref WHERE app.forget(code) > 0;"),
    C("CALL app.clean();"),
    C("PERFORM app.purge();", shows=False),
    C("SELECT * FROM app.eating;"),
    C("SELECT app.eater(id) FROM app.log;"),
    C("SELECT OPERATOR(app.=!) 1;"),
    C("SET search_path = app; SELECT =! 1;"),
    C("SELECT 1 OPERATOR(app.<~>) 2;"),
    C("SELECT count(*) FROM app.ref WHERE code OPERATOR(app.<~>) 2;"),
    C("INSERT INTO app.defaulted (id) VALUES (1);"),
    C("INSERT INTO app.checked VALUES (1, 1);"),
    C("COPY (SELECT app.purge()) TO STDOUT;", shows=False),
    C("EXPLAIN ANALYZE DELETE FROM app.log;"),
    C("EXPLAIN ANALYZE SELECT app.run(note) FROM app.item;", shows=False),
    C("EXPLAIN (ANALYZE true) SELECT app.purge();"),
    C(DO.format("DELETE FROM app.log;")),
    C(DO.format("PERFORM app.purge();")),
    C(DO.format("EXECUTE 'DELETE FROM app.log';")),
    C(DO.format("EXECUTE 'DELETE FROM ' || quote_ident('app') || '.' || quote_ident('log');")),
    C(DO.format("IF true THEN DROP TABLE app.plain; END IF;")),
    C(DO.format("IF random() < 2 THEN DROP TABLE app.plain; END IF;")),
    C(
        "DO $$ DECLARE r record; BEGIN FOR r IN SELECT relname FROM pg_class WHERE relname = 'log' LOOP"
        " EXECUTE format('TRUNCATE app.%I', r.relname); END LOOP; END $$;"
    ),
    C("DO $$ DECLARE s text; BEGIN SELECT 'DELETE FROM app.log' INTO s; EXECUTE s; END $$;"),
    C("DO $$ DECLARE n int; BEGIN n := app.forget(1); END $$;"),
    C("DO $$ DECLARE n int := app.forget(1); BEGIN NULL; END $$;"),
    C("DO $$ DECLARE c refcursor; BEGIN OPEN c FOR EXECUTE 'DELETE FROM app.log RETURNING id'; END $$;", shows=False),
    C("DO $$ BEGIN PERFORM 1/0; EXCEPTION WHEN OTHERS THEN DELETE FROM app.log; END $$;"),
    C("DO LANGUAGE plpgsql 'BEGIN DELETE FROM app.log; END';"),
    C("CREATE FUNCTION app.fresh() RETURNS void LANGUAGE sql AS 'DELETE FROM app.log'; SELECT app.fresh();"),
    C("SELECT app.fresh();", earlier="CREATE FUNCTION app.fresh() RETURNS void LANGUAGE sql AS 'DELETE FROM app.log';"),
    C("SET search_path = app; SELECT purge();"),
    C(
        "CREATE OR REPLACE FUNCTION app.double(n int) RETURNS int LANGUAGE plpgsql AS"
        " 'BEGIN DELETE FROM app.log; RETURN n; END'; SELECT app.double(1);"
    ),
    C(
        "CREATE FUNCTION app.atomic_one() RETURNS void LANGUAGE sql BEGIN ATOMIC DELETE FROM app.log; END;"
        " SELECT app.atomic_one();",
        since=14,
    ),
    C(
        "CREATE FUNCTION public.lower(app.shade) RETURNS text LANGUAGE sql AS 'DELETE FROM app.log; SELECT ''x''';"
        " SELECT lower(kind) FROM app.item;",
        shows=False,
    ),
    C("PREPARE p AS DELETE FROM app.log; EXECUTE p;"),
    C("PREPARE p (int) AS DELETE FROM app.log WHERE id = $1; EXECUTE p (1);"),
    C("REFRESH MATERIALIZED VIEW app.summed; CREATE MATERIALIZED VIEW app.bad AS SELECT app.forget(1);"),
    # triggers and rules
    C("INSERT INTO app.triggered VALUES (2, 'x', NULL);"),
    C("UPDATE app.triggered SET note = 'x' WHERE note IS NULL;"),
    C("COPY app.triggered FROM STDIN;\n5\tx\t\\N\n\\.\n", shows=False),
    C(
        "MERGE INTO app.triggered t USING app.ref r ON t.id = r.code WHEN NOT MATCHED THEN INSERT VALUES"
        " (r.code, 'x', NULL);",
        since=15,
    ),
    C("INSERT INTO app.ruled VALUES (2, 'x');"),
    C("INSERT INTO app.box VALUES (2, 'x');"),
    C("INSERT INTO app.instead VALUES (2, 'x');"),
    C(
        "CREATE TRIGGER t AFTER INSERT ON app.ref FOR EACH ROW EXECUTE FUNCTION app.wipe_log();"
        " INSERT INTO app.ref VALUES (7, 'x');"
    ),
    C(
        "INSERT INTO app.ref VALUES (7, 'x');",
        earlier="CREATE TRIGGER t AFTER INSERT ON app.ref FOR EACH ROW EXECUTE FUNCTION app.wipe_log();",
    ),
    C("CREATE RULE r AS ON INSERT TO app.ref DO ALSO DELETE FROM app.log; INSERT INTO app.ref VALUES (7, 'x');"),
    C(
        "CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION app.wipe_event(); CREATE TABLE app.any (id int);",
        earlier="CREATE FUNCTION app.wipe_event() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN DELETE"
        " FROM app.log; END';",
    ),
    C("UPDATE app.seen SET flag = NULL;"),
    C("DELETE FROM app.seen WHERE id = 1;"),
    C("CREATE VIEW app.bad AS SELECT app.forget(code) FROM app.ref; SELECT * FROM app.bad;"),
    C("CREATE VIEW app.over AS SELECT * FROM app.log; DELETE FROM app.over;"),
    C("CREATE TABLE app.bad (id int DEFAULT app.forget(1)); INSERT INTO app.bad DEFAULT VALUES;"),
    C("ALTER TABLE app.ref ADD COLUMN n int DEFAULT app.forget(1);"),
    C("ALTER TABLE app.ref ADD CHECK (app.forget(code) > 0);"),
    C("ALTER TABLE app.loose ALTER COLUMN who TYPE bigint USING app.forget(who);"),
    C("CREATE OPERATOR app.!!! (FUNCTION = app.forget, RIGHTARG = int); SELECT OPERATOR(app.!!!) 1;"),
    C(
        "CREATE TABLE app.top (id int, at int, what text) PARTITION BY RANGE (at); ALTER TABLE app.day DETACH PARTITION"
        " app.day1; ALTER TABLE app.top ATTACH PARTITION app.day1 FOR VALUES FROM (0) TO (10); DROP TABLE app.top;"
    ),
    C("CREATE TABLE app.top (id int, what text); ALTER TABLE app.plain INHERIT app.top; DELETE FROM app.top;"),
    C(
        "CREATE TABLE app.top (id int, what text); ALTER TABLE app.plain INHERIT app.top; UPDATE app.top"
        " SET what = 'x';"
    ),
    C("CREATE TABLE app.top (id int, what text); ALTER TABLE app.plain INHERIT app.top; TRUNCATE app.top;"),
    # names
    C("SET search_path = app; DROP TABLE plain;"),
    C("SET LOCAL search_path = app; DELETE FROM item WHERE id = 1;"),
    C("SET search_path TO other, app; TRUNCATE item;"),
    C("SELECT set_config('search_path', 'app', false); DROP TABLE plain;"),
    C("SET SCHEMA 'app'; TRUNCATE log;"),
    C("ALTER SCHEMA app RENAME TO shop; DROP TABLE shop.plain;"),
    C("ALTER TABLE app.plain RENAME TO diary; DROP TABLE app.diary;"),
    C("ALTER TABLE app.plain SET SCHEMA other; DROP TABLE other.plain;"),
    C('DROP TABLE app."Mixed Case";'),
    C('ALTER TABLE app."Mixed Case" DROP COLUMN "Some Column";'),
    C('UPDATE app."Mixed Case" SET "Some Column" = \'y\';'),
    C("CREATE TEMP TABLE item (id int); DROP TABLE public.item;"),
    C("CREATE TEMP TABLE item (id int); DROP TABLE item; DROP TABLE item;"),
    C("DROP TABLE item;"),
    C("CREATE TABLE IF NOT EXISTS app.plain (id int); DROP TABLE app.plain;"),
    C("CREATE TABLE IF NOT EXISTS app.log (id int); DELETE FROM app.log;"),
    C("CREATE TABLE IF NOT EXISTS app.log (id int);", earlier="DROP TABLE app.plain;", shows=False),
    C("ALTER TABLE app.item ADD COLUMN IF NOT EXISTS note text; ALTER TABLE app.item DROP COLUMN note;"),
    C("ALTER TABLE app.item RENAME COLUMN note TO remark; ALTER TABLE app.item DROP COLUMN remark;"),
    C(
        "ALTER TABLE app.item ADD COLUMN remark text; UPDATE app.item SET remark = note;"
        " ALTER TABLE app.item DROP COLUMN note;"
    ),
    C("CREATE TABLE app.copy AS TABLE app.plain; DROP TABLE app.plain;"),
    # psql
    C("SELECT 'DELETE FROM app.log' \\gexec", plain=False, shows=False),
    C("\\if :{?never}\nSELECT 1;\n\\else\nDROP TABLE app.plain;\n\\endif\n", plain=False),
    C("SELECT true AS yes \\gset\n\\if :yes\nDROP TABLE app.plain;\n\\endif\n", plain=False, shows=False),
    C("SELECT 'app.log' AS t \\gset\nDELETE FROM :t;\n", plain=False, shows=False),
    C("SELECT 'app.purge' AS f \\gset\nSELECT :f();\n", plain=False, shows=False),
    C("SELECT '1; DELETE FROM app.log' AS f \\gset\nSELECT :f;\n", plain=False, shows=False),
    C("SELECT 1\\; DELETE FROM app.log;", plain=False, shows=False),
    C("\\set t app.log\nTRUNCATE :t;\n", plain=False, shows=False),
    # outside, and storage
    C("SELECT dblink_exec('dbname=elsewhere', 'DELETE FROM x');", shows=False),
    C("SELECT * FROM dblink('dbname=elsewhere', 'DELETE FROM x RETURNING id') AS t (id int);", shows=False),
    C("COPY app.log TO PROGRAM 'cat > /tmp/file';", shows=False),
    C("DROP DATABASE elsewhere;", shows=False),
    C("ALTER TABLE app.log SET UNLOGGED;", shows=False),
    C("ALTER TABLE app.item DROP COLUMN day, DROP COLUMN at;"),
    C("SELECT public.lo_manage();", shows=False),
    C("nonsense that no parser reads;", shows=False),
    C("SELECT pg_drop_replication_slot('s');", shows=False),
    C("BEGIN; DELETE FROM app.log; COMMIT;", plain=False, shows=False),
    C("BEGIN; SAVEPOINT s; DELETE FROM app.log; RELEASE s; COMMIT;", plain=False, shows=False),
    C("DELETE FROM app.log; DROP TABLE app.never_there;", plain=False, shows=False),
    C("DROP TABLE app.plain; DROP TABLE app.plain;", plain=False, shows=False),
    C("SELECT xml FROM query_to_xml('SELECT app.purge()', true, true, '') AS xml;", shows=False),
    C("SELECT pg_catalog.ts_stat('SELECT app.purge()');", shows=False),
)

HARMLESS = (
    # transactions that the script itself rolls back, and branches that psql passes over
    C("BEGIN; DELETE FROM app.log; DROP TABLE app.plain; ROLLBACK;", shows=False),
    C("BEGIN; TRUNCATE app.log; ABORT;", shows=False),
    C("BEGIN; DELETE FROM app.log; ROLLBACK AND CHAIN; DELETE FROM app.log; ROLLBACK;", shows=False),
    C("BEGIN; SAVEPOINT s; DELETE FROM app.log; ROLLBACK TO SAVEPOINT s; COMMIT;", shows=False),
    C("\\if false\nDELETE FROM app.log;\n\\endif", plain=False),
    C("\\if 0\nDROP TABLE app.plain;\n\\elif true\nSELECT 1;\n\\else\nTRUNCATE app.log;\n\\endif", plain=False),
    C("\\set off false\n\\if :off\n\\if true\nDELETE FROM app.log;\n\\endif\nCOMMIT;\n\\endif", plain=False),
    C("BEGIN; DELETE FROM app.log;\n\\if false\nCOMMIT;\n\\endif\nROLLBACK;", plain=False),
    C("SELECT 1;"),
    C("SELECT count(*) FROM app.item WHERE id > 0;"),
    C("SELECT app.double(2);"),
    C("SELECT app.add_log('x');"),
    C("SELECT gen_random_uuid(), now(), random(), clock_timestamp(), txid_current();"),
    C("SELECT uuid_generate_v4(), uuid_generate_v1();", needs="uuid-ossp"),
    C("SELECT crypt('x', gen_salt('bf')), gen_random_bytes(4);", needs="pgcrypto"),
    C("SELECT public.hstore('a', 'b'), 'x'::citext = 'X';"),
    C("SELECT nextval('app.num'), currval('app.num');"),
    C("SELECT pg_sleep(0), pg_advisory_xact_lock(1), pg_notify('a', 'b');"),
    C("SELECT lo_create(0), lo_from_bytea(0, 'x');"),
    C("INSERT INTO app.ref VALUES (7, 'seven');"),
    C("INSERT INTO app.ref SELECT id + 100, t FROM app.counted;"),
    C("INSERT INTO app.ref VALUES (1, 'uno') ON CONFLICT DO NOTHING;"),
    C("INSERT INTO app.counted (t) VALUES ('x');"),
    C("INSERT INTO app.calmed VALUES (9, 't', NULL);"),
    C("INSERT INTO app.day VALUES (3, 3, 'z');"),
    C("INSERT INTO app.item (id, name) VALUES (9, 'new') RETURNING id;"),
    C("WITH new AS (INSERT INTO app.ref VALUES (7, 'x') RETURNING *) SELECT * FROM new;"),
    C(
        "MERGE INTO app.ref r USING app.log l ON r.code = l.id WHEN NOT MATCHED THEN INSERT VALUES (l.id, 'x');",
        since=15,
    ),
    C("MERGE INTO app.ref r USING app.log l ON r.code = l.id WHEN MATCHED THEN DO NOTHING;", since=15),
    C("UPDATE app.item SET empty = 'x' WHERE empty IS NULL;"),
    C("UPDATE app.item SET empty = 'x' WHERE empty IS NULL AND id = 1;"),
    C("UPDATE app.item AS i SET empty = 'x' FROM app.ref r WHERE r.code = i.id AND i.empty IS NULL;"),
    C("UPDATE app.item SET empty = coalesce(empty, 'x');"),
    C("UPDATE app.item SET note = note WHERE id = 1;"),
    C('UPDATE app."Mixed Case" SET "Some Column" = \'z\' WHERE "Some Column" IS NULL;'),
    C("ALTER TABLE app.item ADD COLUMN total int; UPDATE app.item SET total = small * 2;"),
    C("UPDATE app.item SET total = small * 2;", earlier="ALTER TABLE app.item ADD COLUMN total int;"),
    C("ALTER TABLE app.item DROP COLUMN total;", earlier="ALTER TABLE app.item ADD COLUMN total int DEFAULT 1;"),
    C("ALTER TABLE app.item ALTER COLUMN total TYPE smallint;", earlier="ALTER TABLE app.item ADD COLUMN total int;"),
    C(
        "ALTER TABLE app.item RENAME COLUMN total TO sum; UPDATE app.item SET sum = 1;",
        earlier="ALTER TABLE app.item ADD COLUMN total int;",
    ),
    C(
        "CREATE TABLE app.fresh (id int); INSERT INTO app.fresh VALUES (1); DELETE FROM app.fresh; DROP"
        " TABLE app.fresh;"
    ),
    C("DROP TABLE app.fresh;", earlier="CREATE TABLE app.fresh (id int); INSERT INTO app.fresh VALUES (1);"),
    C("TRUNCATE app.fresh; UPDATE app.fresh SET id = 1;", earlier="CREATE TABLE app.fresh AS SELECT 1 AS id;"),
    C("CREATE TABLE app.fresh (id int REFERENCES app.item ON DELETE CASCADE); DROP TABLE app.fresh;"),
    C("CREATE SCHEMA fresh CREATE TABLE t (id int); DROP SCHEMA fresh CASCADE;"),
    C("CREATE TYPE app.fresh AS ENUM ('a'); CREATE TABLE app.f (k app.fresh); DROP TYPE app.fresh CASCADE;"),
    C("CREATE TEMP TABLE item (id int); DELETE FROM item; DROP TABLE item;"),
    C("CREATE TEMP TABLE t AS SELECT * FROM app.item; UPDATE t SET note = 'x'; TRUNCATE t;"),
    C(
        "BEGIN; CREATE TEMP TABLE t (id int) ON COMMIT DROP; INSERT INTO t VALUES (1); DELETE FROM pg_temp.t; COMMIT;",
        plain=False,
    ),
    C("SET search_path = app; CREATE TABLE fresh (id int); DROP TABLE fresh;"),
    C("CREATE TABLE app.moved (id int); ALTER TABLE app.moved SET SCHEMA other; DROP TABLE other.moved;"),
    C("DROP INDEX app.item_name;"),
    C("DROP INDEX IF EXISTS app.item_name, app.never;"),
    C("DROP VIEW app.seen;"),
    C("DROP VIEW app.seen CASCADE;"),
    C("DROP MATERIALIZED VIEW app.summed;"),
    C("REFRESH MATERIALIZED VIEW app.summed;"),
    C("REFRESH MATERIALIZED VIEW app.eats;"),
    C("DROP FUNCTION app.double(int) CASCADE;"),
    C("DROP FUNCTION IF EXISTS app.purge();"),
    C("DROP TRIGGER wipes ON app.triggered; INSERT INTO app.triggered VALUES (3, 'x', NULL);"),
    C("ALTER TABLE app.triggered DISABLE TRIGGER wipes; INSERT INTO app.triggered VALUES (3, 'x', NULL);"),
    C("DROP RULE box_wipe ON app.box; INSERT INTO app.box VALUES (3, 'x');"),
    C("DROP TABLE IF EXISTS app.never; DROP TYPE IF EXISTS app.never; DROP SCHEMA IF EXISTS never CASCADE;"),
    C("ALTER TABLE app.plain ADD COLUMN t app.tame, ADD COLUMN c app.calm, ADD COLUMN n app.nameless;"),
    C("ALTER TABLE app.plain ALTER COLUMN id TYPE app.tame;"),
    C("CREATE DOMAIN app.dd AS app.tame; CREATE TABLE app.k (t app.dd, c app.calm[]); INSERT INTO app.k VALUES (1);"),
    C("INSERT INTO app.of_tame (id) VALUES (1); SELECT 5::app.tame, 'x'::app.calm, 'X'::app.nameless;"),
    C("DO $$ DECLARE v citext := 'x'; n int := 1; BEGIN NULL; END $$;"),
    C("SET search_path = app, public; DO $$ DECLARE v tame := 5; BEGIN v := 6; END $$;"),
    C("SET search_path = app; DO $$ DECLARE v of_tame.t%TYPE := 5; r app.of_tame%ROWTYPE; BEGIN r.c := 'x'; END $$;"),
    C("REINDEX INDEX app.of_chewed_pkey;"),
    C("VACUUM app.of_chewed;", shows=False),
    C("ALTER TABLE app.of_chewed ALTER COLUMN short TYPE text;"),
    C("ALTER TABLE app.of_chewed SET (fillfactor = 90), SET TABLESPACE pg_default;"),
    C("ALTER TABLE app.of_chewed ADD COLUMN o int DEFAULT 3;"),
    C("ALTER TABLE app.item ALTER COLUMN name TYPE varchar(50);"),
    C("ALTER TABLE app.item ALTER COLUMN name TYPE text;"),
    C("ALTER TABLE app.item ALTER COLUMN small TYPE int;"),
    C("ALTER TABLE app.counted ALTER COLUMN id TYPE bigint;"),
    C("ALTER TABLE app.item ALTER COLUMN price TYPE numeric(12,2);"),
    C("ALTER TABLE app.item ALTER COLUMN price TYPE numeric;"),
    C("ALTER TABLE app.item ALTER COLUMN day TYPE timestamptz;"),
    C("ALTER TABLE app.item ALTER COLUMN note TYPE public.citext;"),
    C("ALTER TABLE app.item ALTER COLUMN note SET DEFAULT 'x', ALTER COLUMN note SET NOT NULL;"),
    C("ALTER TABLE app.item ALTER COLUMN note DROP DEFAULT;"),
    C("ALTER TABLE app.item ADD CONSTRAINT positive CHECK (price >= 0) NOT VALID;"),
    C(
        "ALTER TABLE app.item ADD CONSTRAINT positive CHECK (price >= 0); ALTER TABLE app.item DROP"
        " CONSTRAINT positive;"
    ),
    C("ALTER TABLE app.loose DROP CONSTRAINT loose_code_fkey;"),
    C("ALTER TABLE app.item RENAME COLUMN note TO remark;"),
    C("ALTER TABLE app.item RENAME TO thing;"),
    C("ALTER TABLE app.item SET SCHEMA other;", shows=False),
    C("ALTER TABLE app.day DETACH PARTITION app.day1;"),
    C("CREATE TABLE app.day3 PARTITION OF app.day FOR VALUES FROM (20) TO (30); DROP TABLE app.day3;"),
    C("ALTER TYPE app.shade ADD VALUE 'grey';"),
    C("ALTER TYPE app.shade RENAME VALUE 'dark' TO 'black';", shows=False),
    C(
        "CREATE SEQUENCE app.fresh; SELECT setval('app.fresh', 7); ALTER SEQUENCE app.fresh RESTART; DROP"
        " SEQUENCE app.fresh;"
    ),
    C("CREATE TABLE app.fresh (id serial); SELECT setval('app.fresh_id_seq', 7);"),
    C("CREATE TABLE app.fresh (id int GENERATED ALWAYS AS IDENTITY); ALTER TABLE app.fresh ALTER COLUMN id RESTART;"),
    C("ALTER SEQUENCE app.num OWNED BY NONE; ALTER SEQUENCE app.num INCREMENT BY 2;"),
    C("ALTER TABLE app.fleeting SET LOGGED;"),
    C("CREATE UNLOGGED TABLE app.fresh (id int); DROP TABLE app.fresh;"),
    C("VACUUM ANALYZE app.item;", shows=False, plain=False),
    C("ANALYZE app.item; REINDEX TABLE app.item; CLUSTER app.item USING item_pkey;"),
    C("COMMENT ON TABLE app.item IS 'x'; GRANT SELECT ON app.item TO PUBLIC; REVOKE ALL ON app.item FROM PUBLIC;"),
    C("CREATE FUNCTION app.later() RETURNS void LANGUAGE sql AS 'DELETE FROM app.log';"),
    C("CREATE TRIGGER later AFTER DELETE ON app.ref FOR EACH ROW EXECUTE FUNCTION app.wipe_log();"),
    C("CREATE VIEW app.later AS SELECT app.forget(1);"),
    C("PREPARE p AS DELETE FROM app.log; DEALLOCATE p;"),
    C("EXPLAIN DELETE FROM app.log;"),
    C("LOCK TABLE app.item IN ACCESS EXCLUSIVE MODE;"),
    C("CALL app.tell();"),
    C(DO.format("RAISE NOTICE 'x';")),
    C(DO.format("PERFORM app.double(3);")),
    C(
        DO.format(
            "IF NOT EXISTS (SELECT 1 FROM pg_type WHERE typname = 'x') THEN CREATE TYPE app.x AS ENUM ('a'); END IF;"
        )
    ),
    C("DO $$ BEGIN CREATE TYPE app.x AS ENUM ('a'); EXCEPTION WHEN duplicate_object THEN NULL; END $$;"),
    C("DO $$ BEGIN EXECUTE format('GRANT CONNECT ON DATABASE %I TO PUBLIC', current_database()); END $$;"),
    C(
        "DO $$ DECLARE n int; BEGIN SELECT count(*) INTO n FROM app.item; IF n > 100 THEN RAISE EXCEPTION"
        " 'too many'; END IF;"
        " END $$;"
    ),
    C("COPY app.item TO STDOUT;", shows=False),
    C("COPY app.ref FROM STDIN;\n77\tx\n\\.\n", shows=False, plain=False),
    C("\\echo hello\nSELECT 1 AS one \\gset\nSELECT :'one';\n", shows=False, plain=False),
    C("\\set n 3\nINSERT INTO app.ref VALUES (:n, 'x');\n", shows=False, plain=False),
    C("CREATE EXTENSION IF NOT EXISTS citext;"),
    C("CREATE EXTENSION pg_trgm;"),
    C("SET search_path = app; SELECT id FROM item WHERE id = 1 AND name = 'x';"),
    C("SELECT generate_series(1, 3), jsonb_build_object('a', 1) -> 'a', array_agg(id) FROM app.item;"),
    C("CREATE INDEX ON app.item (lower(name)); CREATE UNIQUE INDEX ON app.item (big);"),
    C("ALTER TABLE app.item CLUSTER ON item_pkey, SET (fillfactor = 80), REPLICA IDENTITY FULL;"),
    C("ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO PUBLIC;"),
    C("CREATE POLICY p ON app.item USING (true); ALTER TABLE app.item ENABLE ROW LEVEL SECURITY;"),
)
