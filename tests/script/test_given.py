"""What a person gives for a place in a script: taken as it is, or refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pgmig_tui.errors import UsageError
from pgmig_tui.script import given
from pgmig_tui.script.given import QualifiedName

NAMES = {
    'shop."Order Items"': ("shop", "Order Items"),
    "Shop.T": ("shop", "t"),
    'NA\u00cfVE."x""y"': ("na\u00cfve", 'x"y'),
    ' "a.b" . "select" ': ("a.b", "select"),
    "a.order": ("a", "order"),
}


@pytest.mark.parametrize(("text", "parts"), NAMES.items())
def test_a_name_is_read_as_the_server_reads_it(text: str, parts: tuple[str, str]) -> None:
    name = given.qualified(text)
    assert (name.schema, name.name) == parts
    assert given.qualified(name.sql) == name


TAKEN: list[tuple[Callable[[str], object], tuple[str, ...]]] = [
    (given.type_name, (
        "text", "numeric(10, 2)[]", 'shop."my type"', "timestamp (3) with time zone", "interval day to second",
        "bit varying(3)", "pg_catalog.int4",
    )),
    (given.expression, (
        "a > 0", "a IS NOT NULL AND lower(b) <> 'x;--'", "a::text = E'\\\\'", "x[1: 2] = ARRAY[1]", "(a) OR (b)",
        "CASE WHEN a THEN 1 END", "a = $$it's$$", "current_date - a > interval '1 day'",
    )),
    (given.index_elements, ('a, lower("B") DESC NULLS LAST', "a text_pattern_ops", "(a + b)")),
    (given.assignments, ("a = 1, b = DEFAULT", "(a, b) = (1, 2)", "a = (SELECT max(x) FROM shop.t)")),
    (given.value_list, ("'a', 'b,c'", "1", "ARRAY[1, 2], (3)", "now(), current_date")),
]  # fmt: skip
REFUSED: list[tuple[Callable[[str], object], tuple[str, ...]]] = [
    (given.qualified, ("t", "a.b.c", "a.", "a.b; DROP TABLE x", 'a."', 'a.""', f"a.{'x' * 64}", 'a."b\n"', "a b", "")),
    (given.one_name, ("a.b", "a b", "1a", "a-b", "U&\"x\"")),
    (given.type_name, (
        "", "text; DROP TABLE x", "text) , (1", "text) FROM (SELECT 1", "text COLLATE \"C\"", "text AS x", "text -- x",
        "text /* x */", "serial", "SETOF text", "NULL", "text NOT NULL", "1", "a.b%TYPE", "text\0",
    )),
    (given.expression, (
        "", "a; b", "a) OR (b", "a AS b", "a b", "a, b", "a FROM t", "*", "t.*", "(SELECT 1)", "$1", "x[1:n]",
        "DEFAULT", "a -- b", "a /* b */", "\\x", "a UNION SELECT b", "EXISTS (SELECT 1)", "a = 'x",
        "a\udcff", "a ORDER BY 1",
    )),
    (given.index_elements, ("a) INCLUDE (b", "a) WHERE (b > 1", "a) WITH (fillfactor = 1", "", "a;", "(a)b c d")),
    (given.assignments, ("a = 1 WHERE true", "a = 1 FROM t", "a = 1 RETURNING a", "a", "a = 1; SELECT 1")),
    (given.value_list, ("a", "1) OR (2", "1, 2) AND c IN (3", "", "SELECT 1", "1,")),
]  # fmt: skip


@pytest.mark.parametrize(("read", "texts"), TAKEN)
def test_what_it_is_is_taken(read: Callable[[str], object], texts: tuple[str, ...]) -> None:
    for text in texts:
        assert read(text), text


@pytest.mark.parametrize(("read", "texts"), REFUSED)
def test_what_is_more_is_refused(read: Callable[[str], object], texts: tuple[str, ...]) -> None:
    for text in texts:
        with pytest.raises(UsageError) as refused:
            read(text)
        assert refused.value.now == "Nothing was changed.", text


def test_a_default_names_no_column_and_a_policy_may_ask() -> None:
    assert given.expression("gen_random_uuid()", columns=False).calls
    with pytest.raises(UsageError, match="This is not a value: new"):
        given.expression("new", columns=False)
    assert given.expression("a IN (SELECT b FROM shop.t)", queries=True).columns == ("a", "b")


def test_a_default_is_put_into_parentheses_where_it_has_to_be() -> None:
    for text in ("1", "now()", "'a'::text || 'b'", "(a)", "current_date + 1"):
        assert given.as_default(given.Expression(text)) == text
    for text in ("now() AT TIME ZONE 'utc'", "1 IS NOT NULL", "NOT true", "true OR false", "'a' COLLATE \"C\""):
        assert given.as_default(given.Expression(text)) == f"({text})"


def test_lists_are_read_whole() -> None:
    assert given.names(['a, "b,c"', "D"]) == ("a", "b,c", "d")
    assert given.value_list("'a,b', f(1, 2), (3)") == ("'a,b'", "f(1, 2)", "(3)")
    assert given.columns_of(['s."T,".c , a.b."d.e"', "x.y.z"]) == (
        (QualifiedName("s", "T,"), "c"), (QualifiedName("a", "b"), "d.e"), (QualifiedName("x", "y"), "z"),
    )  # fmt: skip
    for wrong in ("a.b", "a.b.c,", "a.b.c d", ",a.b.c"):
        with pytest.raises(UsageError):
            given.columns_of([wrong])
    with pytest.raises(UsageError, match="not a list of names"):
        given.names(["a,A"])


def test_a_definition_makes_one_table_and_nothing_else() -> None:
    table = QualifiedName("s", "t")
    text = "\\restrict x\nSET a = 1;\n-- c\nCREATE TABLE s.t (a int);\n\nCREATE INDEX ON s.t (a);"
    text += "\nGRANT SELECT ON s.t TO r;"
    assert given.definition_of(text, table) == (
        "CREATE TABLE s.t (a int)", "CREATE INDEX ON s.t (a)", "GRANT SELECT ON s.t TO r",
    )  # fmt: skip
    for wrong in ("CREATE TABLE s.u (a int)", f"{text} DROP TABLE s.u", "INSERT INTO s.t VALUES (1)", "nonsense"):
        with pytest.raises(UsageError):
            given.definition_of(wrong, table)
    with pytest.raises(UsageError, match="not what makes a table"):
        given.definition("CREATE INDEX ON s.t (a)")
