"""What of a dump's text makes a schema, and what is never handed on."""

from __future__ import annotations

import io

import pytest

from pgmig_tui.errors import UsageError
from pgmig_tui.script.dump_text import DumpText, publication, read_dump

HEAD = """--
-- PostgreSQL database dump
--

\\restrict key

-- Dumped from database version 15.4 (Debian 15.4-1)
-- Dumped by pg_dump version 18.1

SET statement_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
"""
TAIL = """
--
-- PostgreSQL database dump complete
--

\\unrestrict key

"""
KEPT = 2  # standard_conforming_strings and search_path


def read(body: str, *, head: str = HEAD, tail: str = TAIL) -> DumpText:
    return read_dump(io.BytesIO((head + body + tail).encode()), "shop.sql")


def texts(dump: DumpText) -> list[str]:
    return [one.sql.decode() for one in dump.statements[KEPT:]]


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE app.t (\n    id integer DEFAULT 1, -- a ; b\n    name text DEFAULT 'it''s; \\ fine'\n);",
        "CREATE FUNCTION app.f() RETURNS integer\n    LANGUAGE sql\n    BEGIN ATOMIC\n SELECT 1;\n SELECT 2;\nEND;",
        "CREATE FUNCTION app.f() RETURNS void LANGUAGE plpgsql AS $_$\nBEGIN\n-- x\n\\! ls\nEND;\n$_$;",
        "CREATE MATERIALIZED VIEW app.m AS\n SELECT 1 AS a\n  WITH NO DATA;",
        "ALTER TABLE ONLY app.t\n    ADD CONSTRAINT t_pkey PRIMARY KEY (id);",
        "CREATE UNIQUE INDEX i ON app.t USING btree (id);",
        "ALTER INDEX app.p ATTACH PARTITION app.q;",
        "CREATE TABLE app.t (\n    a integer GENERATED ALWAYS AS ((b + 1)) STORED\n);",
    ],
)
def test_what_makes_a_schema_is_handed_on_as_it_stands(sql: str) -> None:
    dump = read(sql + "\n")
    assert (texts(dump), dump.left_out) == ([sql], ())
    assert (dump.version, dump.version_num, dump.deployed) == ("15.4", 150004, None)


@pytest.mark.parametrize(
    "sql",
    [
        "GRANT SELECT ON TABLE app.t TO reader;",
        "REVOKE ALL ON SCHEMA public FROM PUBLIC;",
        "ALTER TABLE app.t OWNER TO boss;",
        'ALTER TABLE "a;b"."it\'s" OWNER TO "the; boss";',
        "CREATE USER MAPPING FOR boss SERVER far OPTIONS (password 'x');",
        "ALTER DEFAULT PRIVILEGES FOR ROLE boss GRANT SELECT ON TABLES TO reader;",
        "COMMENT ON TABLE app.t IS 'a; b';",
        "SELECT pg_catalog.setval('app.s', 42, true);",
        "INSERT INTO app.t VALUES (1, 'a; b');",
        "INSERT INTO app.t VALUES (1, 'a\n); CREATE TABLE app.u (id int);');",
        "COPY app.t (id, name) FROM stdin;\n1\tCREATE TABLE app.u (id int);\n2\t\\\\! ls\n\\.\n",
        "REFRESH MATERIALIZED VIEW app.m;",
        "SET default_tablespace = '';",
        "CREATE DATABASE shop WITH TEMPLATE = template0;\n\\connect shop",
    ],
)
def test_owners_privileges_comments_and_rows_are_passed_over(sql: str) -> None:
    dump = read(sql + "\n")
    assert (texts(dump), dump.left_out) == ([], ())


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("DO $$ BEGIN PERFORM 1; END $$;", "line 14: DO $$ BEGIN PERFORM 1; END $$"),
        ("COPY app.t FROM PROGRAM 'touch /tmp/x';", "line 14: COPY app.t FROM PROGRAM 'touch /tmp/x'"),
        ("COPY app.t TO '/tmp/x';", "line 14: COPY app.t TO '/tmp/x'"),
        ("SELECT pg_read_file('/etc/passwd');", "line 14: SELECT pg_read_file('/etc/passwd')"),
        ("CREATE TABLE app.t AS SELECT 1;", "line 14: CREATE TABLE app.t"),
        ("CREATE MATERIALIZED VIEW app.m AS SELECT pg_sleep(9);", "line 14: CREATE MATERIALIZED VIEW app.m"),
        ("ALTER SYSTEM SET archive_command = 'x';", "line 14: ALTER SYSTEM SET archive_command = 'x'"),
        ("CREATE ROLE boss SUPERUSER;", "line 14: CREATE ROLE boss SUPERUSER"),
        (
            "CREATE EVENT TRIGGER guard ON ddl_command_end EXECUTE FUNCTION app.f();",
            "line 14: CREATE EVENT TRIGGER guard ON ddl_command_end EXECUTE FUNCTION app.f",
        ),
        (
            "IMPORT FOREIGN SCHEMA s FROM SERVER far INTO app;",
            "line 14: IMPORT FOREIGN SCHEMA s FROM SERVER far INTO app",
        ),
        ("SET ROLE boss; CREATE ROLE x;", "line 14: CREATE ROLE x"),
    ],
)
def test_everything_else_is_told_and_not_handed_on(sql: str, told: str) -> None:
    dump = read(sql + "\n")
    assert (texts(dump), dump.left_out) == ([], (told,))


@pytest.mark.parametrize("line", ["\\! touch /tmp/x", "\\copy app.t from program 'ls'", "\\i other.sql", "\\o |cat"])
def test_a_command_of_psql_ends_the_reading(line: str) -> None:
    with pytest.raises(UsageError, match=r"shop.sql, line 14, has the command \\\S+ of psql"):
        read(f"{line}\n")
    with pytest.raises(UsageError, match="has a command of psql in a statement"):
        read(f"CREATE TABLE app.t (id int) {line}\n;")


def test_what_is_cut_off_or_is_no_dump_of_one_database_is_refused() -> None:
    whole = "CREATE TABLE app.t (id integer);\nCOPY app.t (id) FROM stdin;\n1\n2\n\\.\n"
    for size in (10, len(whole) - 2, len(whole)):
        with pytest.raises(UsageError, match="ends in the middle"):
            read(whole[:size], tail="")
    with pytest.raises(UsageError, match="is no dump, or ends in the middle"):
        read("hello", head="", tail="")
    with pytest.raises(UsageError, match="holds no schema"):
        read("", head="", tail="")
    with pytest.raises(UsageError, match="is of a whole server"):
        read("", head="--\n-- PostgreSQL database cluster dump\n--\n")
    with pytest.raises(UsageError, match=r"\\connect"):
        read("\\connect one\n\\connect two\n")
    assert texts(read("CREATE TABLE a (b int);", head="SET search_path = public;\nSET xmloption = content;\n", tail=""))


def test_the_registry_extensions_and_sizes_are_read_and_not_carried_out() -> None:
    dump = read(
        "CREATE EXTENSION IF NOT EXISTS citext WITH SCHEMA \"Own\";\n"
        "CREATE EXTENSION IF NOT EXISTS pgcrypto;\n"
        "COPY sqitch.changes (change_id, script_hash, change, project) FROM stdin;\n"
        "aa\t\\N\tone\tshop\nbb\t\\N\ttwo\tshop\ncc\t\\N\tother\tbills\n\\.\n"
        "SELECT * FROM pg_catalog.pg_restore_relation_stats(\n\t'version', '180001'::integer,\n"
        "\t'schemaname', 'app',\n\t'relname', 'it''s',\n\t'relpages', '12'::integer,\n"
        "\t'reltuples', '3.4e+03'::real,\n\t'relallvisible', '0'::integer\n);\n"
    )  # fmt: skip
    assert dump.extensions == {"citext": "Own", "pgcrypto": ""}
    far = read("CREATE SERVER \"Far\" TYPE 'x' FOREIGN DATA WRAPPER postgres_fdw OPTIONS (\n    host 'y'\n);\n")
    assert (far.servers, texts(far), far.left_out) == ({"Far": "postgres_fdw"}, [], ())
    assert dump.deployed == {"shop": frozenset({"aa", "bb"}), "bills": frozenset({"cc"})}
    assert dump.sizes == {("app", "it's"): (12, 3400)}
    assert (texts(dump), dump.left_out) == ([], ())


def test_a_publication_is_made_in_words_of_our_own() -> None:
    def made(text: str) -> str:
        return publication(text.encode(), "UTF8")

    every = "CREATE PUBLICATION p FOR ALL TABLES WITH (publish = 'insert, update')"
    assert made(f"-- p\n{every};\n") == every
    assert made('ALTER PUBLICATION "P" ADD TABLES IN SCHEMA app;') == 'ALTER PUBLICATION "P" ADD TABLES IN SCHEMA app'
    assert made("CREATE PUBLICATION p FOR ALL TABLES; DROP TABLE x;") == ""
    assert made("CREATE PUBLICATION p FOR TABLE app.t WHERE (app.f());") == ""


def test_two_dumps_behind_each_other_are_one() -> None:
    rows = "COPY sqitch.changes (change_id, project) FROM stdin;\naa\tshop\n\\.\n"
    dump = read_dump(io.BytesIO((HEAD + "CREATE TABLE a (b int);\n" + TAIL + HEAD + rows + TAIL).encode()), "shop.sql")
    assert dump.deployed == {"shop": frozenset({"aa"})}
