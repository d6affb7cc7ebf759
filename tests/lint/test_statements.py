"""What must be found in a statement and where, and what is near to it and must not be."""

from __future__ import annotations

import pytest

from tests.lint.looking import codes, look

FOUND = [
    ("nothing-in-it", "-- Deploy x to pg\n\nBEGIN;\n\n-- XXX Add DDLs here.\n\nCOMMIT;"),
    ("type-varchar", "ALTER TABLE app.t ALTER COLUMN c TYPE varchar(5);"),
    ("type-char", "ALTER TABLE app.t ADD COLUMN c char;"),
    ("type-timestamp", "CREATE TABLE app.t (id bigint PRIMARY KEY, at timestamp(3) without time zone);"),
    ("key-too-small", "CREATE TABLE app.t (id int, PRIMARY KEY (id));"),
    ("key-too-small", "CREATE TABLE app.t (id serial PRIMARY KEY);"),
    ("fk-without-index", "ALTER TABLE app.t ADD COLUMN u_id bigint REFERENCES app.u (id);"),
    ("fk-without-index", "CREATE TABLE app.t (a int PRIMARY KEY, b int, FOREIGN KEY (b) REFERENCES app.u (id));"),
    ("schema-not-named", "INSERT INTO t (a) SELECT b FROM app.u;"),
    ("schema-not-named", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';"),
    ("schema-not-named", "DROP INDEX i;"),
    ("schema-not-named", "DROP TRIGGER g ON t;"),
    ("schema-not-named", "CREATE TYPE e AS ENUM ('a');"),
    ("name-too-long", 'CREATE INDEX CONCURRENTLY "' + "ä" * 32 + '" ON app.t (c);'),
    ("column-twice", "INSERT INTO app.t (a, b, a) VALUES (1, 2, 3);"),
    ("column-twice", "CREATE TABLE app.t (id bigint PRIMARY KEY, id int);"),
    ("rename", "ALTER TABLE app.t RENAME TO u;"),
    ("rename", "ALTER SCHEMA app RENAME TO other;"),
    ("rename", "ALTER TYPE app.e RENAME TO f;"),
    ("rename", "ALTER FUNCTION app.f(int) RENAME TO g;"),
    ("drop-object", "DROP FUNCTION app.f(int);"),
    ("drop-object", "DROP TYPE app.e;"),
    ("drop-object", "DROP SCHEMA app;"),
    ("drop-object", "DROP TRIGGER g ON app.t;"),
    ("drop-object", "DROP POLICY p ON app.t;"),
    ("drop-cascade", "ALTER TABLE app.t DROP COLUMN c CASCADE;"),
    ("new-constraint", "ALTER TABLE app.t ADD UNIQUE (c);"),
    ("identity-always", "ALTER TABLE app.t ALTER COLUMN c ADD GENERATED ALWAYS AS IDENTITY;"),
    ("grant-all", "GRANT ALL ON SCHEMA app TO writer;"),
    ("replica-identity", "ALTER TABLE app.t REPLICA IDENTITY FULL;"),
    ("disable-trigger", "ALTER TABLE app.t DISABLE TRIGGER g;"),
    ("every-row", "DELETE FROM app.t;"),
    ("data-unhandled", "ALTER TABLE app.t ALTER COLUMN c SET NOT NULL;"),
    ("backfill-in-ddl", "BEGIN; ALTER TABLE app.t ADD COLUMN c int; DELETE FROM app.t WHERE a = 1; COMMIT;"),
    ("index-concurrently", "CREATE INDEX i ON app.t (c);"),
    ("not-null-without-default", "ALTER TABLE app.t ADD COLUMN c int NOT NULL;"),
    ("fk-not-valid", "ALTER TABLE app.t ADD CONSTRAINT k FOREIGN KEY (c) REFERENCES app.u (id);"),
    ("will-fail", "BEGIN; VACUUM app.t; COMMIT;"),
    ("unreadable", "SELECT 'never ends"),
    ("if-not-exists", "ALTER TABLE app.t ADD COLUMN IF NOT EXISTS c int;"),
]
NOT_FOUND = [
    ("type-varchar", "ALTER TABLE app.t ADD COLUMN c varchar;"),
    ("type-char", 'ALTER TABLE app.t ADD COLUMN c "char";'),
    ("type-timestamp", "ALTER TABLE app.t ADD COLUMN c timestamp with time zone;"),
    ("type-json", "ALTER TABLE app.t ADD COLUMN c app.json;"),
    ("key-too-small", "CREATE TABLE app.t (a int, b int, PRIMARY KEY (a, b));"),
    ("key-too-small", "CREATE TABLE app.t (id bigserial PRIMARY KEY);"),
    ("fk-without-index", "CREATE TABLE app.t (a bigint PRIMARY KEY REFERENCES app.u (id));"),
    (
        "fk-without-index",
        "CREATE TABLE app.t (a int, b int, PRIMARY KEY (b, a), FOREIGN KEY (b) REFERENCES app.u (id));",
    ),
    ("fk-without-index", "ALTER TABLE app.t ADD CONSTRAINT k FOREIGN KEY (c) REFERENCES app.u (id) NOT VALID;"),
    ("schema-not-named", "SET search_path = app; CREATE TABLE t (id bigint PRIMARY KEY);"),
    ("schema-not-named", "WITH x AS (SELECT 1) SELECT * FROM x;"),
    ("schema-not-named", "CREATE TEMP TABLE x (id int); INSERT INTO x VALUES (1);"),
    ("schema-not-named", "SELECT relname FROM pg_class;"),
    ("name-too-long", "SELECT '" + "x" * 100 + "';"),
    ("name-too-long", "DO $$ BEGIN PERFORM " + "x" * 100 + "; END $$;"),
    ("name-too-long", "ALTER TABLE app.t ADD COLUMN " + "x" * 63 + " int;"),
    ("name-too-long", 'CREATE TABLE app."T" ("A" timestamptz DEFAULT now(), "' + "x" * 50 + '" int, "B" int);'),
    ("row-security", "ALTER TABLE app.t ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON app.t USING (true);"),
    ("table-without-key", "CREATE TEMP TABLE x (id int);"),
    ("table-without-key", "CREATE TABLE app.p PARTITION OF app.t FOR VALUES IN (1);"),
    ("table-without-key", "CREATE TABLE app.t (id int); ALTER TABLE app.t ADD CONSTRAINT k PRIMARY KEY (id);"),
    ("table-without-key", "CREATE TABLE app.t (LIKE app.u INCLUDING ALL);"),
    ("column-twice", "UPDATE app.t SET a[1] = 1, a[2] = 2 WHERE id = 1;"),
    ("drop-table", "CREATE TABLE app.t (id bigint PRIMARY KEY); DROP TABLE app.t;"),
    ("drop-column", "ALTER TABLE app.t ADD COLUMN c int; ALTER TABLE app.t DROP COLUMN c;"),
    ("drop-default", "ALTER TABLE app.t ADD COLUMN c int DEFAULT 1; ALTER TABLE app.t ALTER COLUMN c DROP DEFAULT;"),
    ("revoke", "REVOKE ALL ON FUNCTION app.f() FROM PUBLIC;"),
    ("rename", "ALTER TABLE app.t RENAME CONSTRAINT a TO b;"),
    ("drop-and-create", "DROP TABLE app.t; DROP TABLE app.u;"),
    ("index-wide", "CREATE INDEX CONCURRENTLY i ON app.t (a) INCLUDE (b, c, d, e);"),
    ("index-concurrently", "CREATE TABLE app.t (id bigint PRIMARY KEY); CREATE INDEX i ON app.t (id);"),
    ("validate-same-transaction", "BEGIN; ALTER TABLE app.t VALIDATE CONSTRAINT k; COMMIT;"),
    ("every-row", "CREATE TABLE app.t (id bigint PRIMARY KEY); UPDATE app.t SET id = 2;"),
    ("data-unhandled", "ALTER TABLE app.t ADD COLUMN c int; ALTER TABLE app.t ALTER COLUMN c SET NOT NULL;"),
    ("data-unhandled", "UPDATE app.t SET c = 1 WHERE c IS NULL; ALTER TABLE app.t ALTER COLUMN c SET NOT NULL;"),
    ("backfill-in-ddl", "BEGIN; ALTER TABLE app.t ADD COLUMN c int; COMMIT; UPDATE app.t SET c = 1 WHERE id = 1;"),
    ("several-alters", "ALTER TABLE app.t ADD COLUMN a int; ALTER TABLE app.u ADD COLUMN b int;"),
    ("grant-public", "REVOKE ALL ON app.t FROM PUBLIC;"),
    ("security-definer-path", "CREATE FUNCTION app.f() RETURNS int LANGUAGE sql AS 'SELECT 1';"),
    ("enum-order", "ALTER TYPE app.e RENAME VALUE 'a' TO 'b';"),
]


@pytest.mark.parametrize(("code", "sql"), FOUND)
def test_it_is_found(code: str, sql: str) -> None:
    assert code in codes(sql)


@pytest.mark.parametrize(("code", "sql"), NOT_FOUND)
def test_what_is_near_to_it_is_not(code: str, sql: str) -> None:
    assert code not in codes(sql)


PLACES = [
    (
        "type-json",
        "-- ä\nBEGIN;\nCREATE TABLE app.t (\n    id bigint PRIMARY KEY,\n    ä text, c json\n);\nCOMMIT;",
        5,
        13,
    ),
    ("schema-not-named", "BEGIN;\n  SELECT 1; UPDATE app.t SET a = 1\n FROM u WHERE true;\nCOMMIT;", 3, 7),
    ("unreadable", "BEGIN;\n\nALTER TABEL app.t;\nCOMMIT;", 3, 7),
    ("drop-table", "SELECT 1;   /* é */ DROP TABLE app.t;", 1, 21),
    ("header-comment", "ALTER TABLE app.t ADD COLUMN c int;", 1, 1),
]


@pytest.mark.parametrize(("code", "sql", "line", "column"), PLACES)
def test_its_place_is_told_in_lines_and_characters(code: str, sql: str, line: int, column: int) -> None:
    (found,) = [one for one in look(sql, name="20260131_0001_x") if one.code == code]
    assert (found.line, found.column) == (line, column)


NAMES = {
    "20260131_0001_add_column": True, "20260230_0001_add_column": False, "2026_0001_x": False, "20260131_1_x": False,
    "20260131_0001_": False, "20260131_0001_Add": False, "shop/20260131_0001_add": True,
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_change_is_named_by_day_and_number(name: str) -> None:
    assert ("change-name" not in codes("SELECT 1;", name=name)) == NAMES[name]
