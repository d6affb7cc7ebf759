"""Kinds by keywords, and psql's reading of booleans and quoting."""

from __future__ import annotations

import pytest

from pgmig_tui.script.kinds import control_of, kind_of
from pgmig_tui.script.variables import (
    VariableError,
    assigned,
    parse_boolean,
    quote_identifier,
    quote_literal,
    to_bytes,
    to_text,
)

KINDS = {
    "alter table only a.b add c int": "ALTER TABLE",
    "CREATE TABLE IF NOT EXISTS a()": "CREATE TABLE",
    "CREATE GLOBAL TEMPORARY TABLE a()": "CREATE TABLE",
    "CREATE UNLOGGED TABLE a()": "CREATE TABLE",
    "CREATE UNIQUE INDEX CONCURRENTLY a ON b(c)": "CREATE INDEX",
    "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS ''": "CREATE FUNCTION",
    "CREATE CONSTRAINT TRIGGER t AFTER INSERT ON a": "CREATE TRIGGER",
    "CREATE OR REPLACE TEMP RECURSIVE VIEW v(a) AS SELECT 1": "CREATE VIEW",
    "CREATE MATERIALIZED VIEW v AS SELECT 1": "CREATE MATERIALIZED VIEW",
    "REFRESH MATERIALIZED VIEW CONCURRENTLY v": "REFRESH MATERIALIZED VIEW",
    "CREATE FOREIGN TABLE a() SERVER s": "CREATE FOREIGN TABLE",
    "CREATE FOREIGN DATA WRAPPER w": "CREATE FOREIGN DATA WRAPPER",
    "CREATE USER MAPPING FOR a SERVER s": "CREATE USER MAPPING",
    "CREATE USER a": "CREATE USER",
    "CREATE TEXT SEARCH CONFIGURATION a (COPY = b)": "CREATE TEXT SEARCH CONFIGURATION",
    "CREATE EVENT TRIGGER e ON x EXECUTE FUNCTION f()": "CREATE EVENT TRIGGER",
    "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO a": "ALTER DEFAULT PRIVILEGES",
    "ALTER OPERATOR FAMILY f USING btree ADD OPERATOR 1 <": "ALTER OPERATOR FAMILY",
    "DROP INDEX a": "DROP INDEX",
    "COMMENT ON TABLE a IS 'b'": "COMMENT",
    "GRANT SELECT ON a TO b": "GRANT",
    "insert into a values (1)": "INSERT",
    "WITH x AS (SELECT 1) INSERT INTO a SELECT * FROM x": "INSERT",
    "WITH x AS (DELETE FROM a RETURNING *) SELECT * FROM x": "SELECT",
    "TABLE a": "SELECT",
    "VALUES (1)": "SELECT",
    "(SELECT 1) UNION (SELECT 2)": "SELECT",
    "/* a */ -- b\n  update a set b = 1": "UPDATE",
    "SET LOCAL lock_timeout = 1": "SET",
    "SET SESSION AUTHORIZATION a": "SET SESSION AUTHORIZATION",
    "SET LOCAL ROLE a": "SET ROLE",
    "SET CONSTRAINTS ALL IMMEDIATE": "SET CONSTRAINTS",
    "IMPORT FOREIGN SCHEMA a FROM SERVER s INTO b": "IMPORT FOREIGN SCHEMA",
    "SECURITY LABEL ON TABLE a IS 'b'": "SECURITY LABEL",
    ";": "EMPTY",
    "/* nothing */ -- here": "EMPTY",
    "": "EMPTY",
    "?": "UNKNOWN",
}
CONTROL = {
    "BEGIN": "begin",
    "start transaction read only": "begin",
    "END": "commit",
    "COMMIT WORK": "commit",
    "ABORT": "rollback",
    "ROLLBACK TRANSACTION": "rollback",
    "ROLLBACK TO a": "rollback to",
    "ROLLBACK WORK TO SAVEPOINT a": "rollback to",
    "SAVEPOINT a": "savepoint",
    "RELEASE SAVEPOINT a": "release",
    "PREPARE TRANSACTION 'a'": "prepare",
    "PREPARE a AS SELECT 1": None,
    "COMMIT PREPARED 'a'": "commit prepared",
    "ROLLBACK PREPARED 'a'": "rollback prepared",
    "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE": "set transaction",
    "SET LOCAL TRANSACTION READ ONLY": "set transaction",
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY": "set transaction",
    "SELECT 'BEGIN'": None,
    "SET search_path = a": None,
}


@pytest.mark.parametrize(("sql", "kind"), KINDS.items())
def test_the_kind_of_a_statement_is_read_from_its_text(sql: str, kind: str) -> None:
    assert kind_of(sql) == kind


@pytest.mark.parametrize(("sql", "control"), CONTROL.items())
def test_transaction_control_is_recognised_by_kind(sql: str, control: str | None) -> None:
    assert control_of(sql, kind_of(sql)) == control


def test_comments_of_any_length_cost_nothing() -> None:
    assert kind_of("/*" + "*/ /*" * 20_000 + "*/ SELECT 1") == "SELECT"
    assert kind_of("-- x\n" * 20_000 + "SELECT 1") == "SELECT"


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("", None),
        ("T", True),
        ("tru", True),
        ("o", None),
        ("on", True),
        ("of", False),
        ("0", False),
        ("10", None),
        (" 1", None),
    ],
)
def test_a_boolean_of_psql_is_read_in_each_of_its_spellings(word: str, value: bool | None) -> None:
    assert parse_boolean(word) is value


def test_literals_and_identifiers_are_quoted_as_libpq_does() -> None:
    assert quote_literal(b"it's") == b"'it''s'"
    assert quote_literal(rb"a\'b") == rb" E'a\\''b'"
    assert quote_identifier(b'a"b') == b'"a""b"'


def test_bytes_survive_as_text() -> None:
    data = bytes(range(1, 256))
    assert to_bytes(to_text(data)) == data


def test_special_variables_refuse_nonsense() -> None:
    assert assigned("ON_ERROR_ROLLBACK", "interactive") == "interactive"
    assert assigned("ON_ERROR_ROLLBACK", "") == "on"
    for name, value in (("AUTOCOMMIT", "maybe"), ("ECHO", "loud"), ("a b", "c"), ("FETCH_COUNT", "many")):
        with pytest.raises(VariableError):
            assigned(name, value)
