"""SQL as text comes back from a real server as it was meant, whatever the session's settings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pgmig_tui
from pgmig_tui.database.connect import Connection, connect
from pgmig_tui.database.text import bind, ident, literal, load, text_array
from tests.database.places import place
from tests.servers import Server

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)


@pytest.fixture(scope="module")
def connection(pg18: Server) -> Iterator[Connection]:
    with connect(place(pg18, "postgres"), application_name="pgmig/test") as opened:
        yield opened


@pytest.mark.parametrize("strings", ["on", "off"])
@given(text=texts)
@settings(max_examples=60)
def test_a_literal_is_the_text(connection: Connection, strings: str, text: str) -> None:
    connection.execute(f"SET standard_conforming_strings = {strings}; SET escape_string_warning = off")
    assert connection.one(f"SELECT {literal(text)}::text, {text_array([text, ''])}") == (text, [text, ""])


@given(name=texts.filter(bool))
@settings(max_examples=60)
def test_an_identifier_is_the_name(connection: Connection, name: str) -> None:
    names, _ = connection.columns(f"SELECT 1 AS {ident(name)}")
    assert name.encode().startswith(names[0].encode()[:60])  # PostgreSQL keeps 63 bytes
    assert len(name.encode()) > 60 or names[0] == name


def test_none_is_null_and_nul_or_an_empty_identifier_is_refused() -> None:
    assert literal(None) == "NULL"
    assert literal("caf\udce9") == "'caf?'"
    with pytest.raises(ValueError, match="NUL"):
        literal("a\0b")
    for name in ("", "a\0b"):
        with pytest.raises(ValueError, match="identifier"):
            ident(name)


def test_variables_of_a_file_are_bound_and_nothing_else() -> None:
    sql = """SELECT :'a', :"b", a::text, ':c' FROM :"b".t"""
    assert bind(sql, {"a": "it's", "b": 'x"y'}) == """SELECT 'it''s', "x""y", a::text, ':c' FROM "x""y".t"""
    with pytest.raises(KeyError):
        bind(sql, {"a": "1"})


def test_the_header_of_a_file_is_not_sent() -> None:
    assert load("registry_create").startswith("CREATE TABLE")
    assert not load("queries/lock_holder").endswith(";")


def test_our_sql_can_be_sent_to_a_database_of_any_encoding() -> None:
    """What the server's encoding has no character for fails as a whole, in a comment too."""
    folder = Path(pgmig_tui.__file__).parent
    files = [file for file in folder.rglob("*.sql") if "demo" not in file.parts]
    assert [file.name for file in files if not file.read_bytes().isascii()] == []
