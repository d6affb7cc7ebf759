"""PL/pgSQL with types of users, of which the parser knows nothing: it is read all the same, and as it stands."""

from __future__ import annotations

import pytest

from pgmig_tui.impact.plpgsql import steps_of
from pgmig_tui.impact.steps import Assign, RunSql


def runs(sql: str) -> list[str] | None:
    steps = steps_of(sql)
    if steps is None:
        return None
    return [" ".join(one.text.split()) for one in steps if isinstance(one, RunSql)] + [
        f"{one.name} := {one.expression}" for one in steps if isinstance(one, Assign)
    ]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (
            "DO $$ DECLARE v app.amount := app.f(1); n int; BEGIN DELETE FROM app.log; END $$",
            ["SELECT NULL::app.amount", "DELETE FROM app.log", "v := app.f(1)"],
        ),
        (
            "DO $$ DECLARE v citext := g(); n int; BEGIN SELECT a, b INTO v, n FROM app.t; END $$",
            ["SELECT NULL::citext", "SELECT a, b FROM app.t", "v := g()"],
        ),
        (
            'CREATE FUNCTION app.f(a app.amount, b "App"."T"[]) RETURNS app.item LANGUAGE plpgsql AS'
            ' $$ DECLARE r app.item; w "App"."T"[]; BEGIN DELETE FROM app.item; RETURN r; END $$',
            ["SELECT NULL::app.item", 'SELECT NULL::"App"."T"[]', "DELETE FROM app.item"],
        ),
        (
            "CREATE FUNCTION app.f(a app.amount) RETURNS SETOF app.item LANGUAGE plpgsql AS"
            " $$ BEGIN RETURN QUERY SELECT * FROM app.item; END $$",
            ["SELECT * FROM app.item"],
        ),
        (
            "DO $$ <<a>> DECLARE k app.z; BEGIN -- ; declare x app.y;\n TRUNCATE app.z; END $$",
            ["SELECT NULL::app.z", "TRUNCATE app.z"],
        ),
        (
            "DO $$ DECLARE v app.x; BEGIN PERFORM 1 AS declare; TRUNCATE app.log; END $$",
            ["SELECT NULL::app.x", "SELECT 1 AS declare", "TRUNCATE app.log"],
        ),
        # text that may be code isn't touched: what can't be read without is told as unknown
        ("DO $$ DECLARE v app.x; t text := '; TRUNCATE app.log'; BEGIN EXECUTE t; END $$", None),
        ("DO $$ DECLARE v app.x; BEGIN EXECUTE E'\\''; declare a app.log;'; END $$", None),
    ],
)
def test_a_body_is_read_whatever_its_types_are(sql: str, expected: list[str] | None) -> None:
    assert runs(sql) == expected
