"""The document of a schema: hostile names and comments stay text, large schemas stay readable."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from markdown_it import MarkdownIt

from pgmig_tui.database.connect import connect
from pgmig_tui.database.described import Described, ToldColumn, ToldConstraint, ToldRelation, read_described
from pgmig_tui.review.schema_diagram import MOST_TABLES, diagram
from pgmig_tui.review.schema_markdown import MARKER, markdown
from pgmig_tui.run.journal.run_plan import Endpoint
from tests.servers import Server

EVIL = '<script>x</script> | `a` ![i](http://e/x) "q" \\ % [l](javascript:x)'
ENTITY = re.compile(r'"[\w .-]+"( \{)?')
ROW = re.compile(r"[A-Za-z_][A-Za-z0-9_\[\]()-]* [A-Za-z_][A-Za-z0-9_\[\]()-]* (PK|FK|UK)(, (PK|FK|UK))*")
LINK = re.compile(r'"[\w .-]+" [|}]o--(\|\||o\|) "[\w .-]+" : "[\w .-]+"')


def described(server: Server, database: str, sql: str) -> Described:
    server.execute(sql, database)
    where = Endpoint("the database", {**server.parameters, "dbname": database})
    with connect(where, application_name="pgmig/test/document") as connection:
        return read_described(connection, ("left_out",))


def quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def test_hostile_names_and_comments_are_text(pg18: Server, database: str) -> None:
    comment = f"{EVIL}\n\n# heading\n\n```\n</td></table>\x1b[31m\u202e"
    table = f"{name('s ' + EVIL)}.{name('t ' + EVIL[:40])}"
    found = described(
        pg18,
        database,
        f"CREATE SCHEMA {name('s ' + EVIL)}; COMMENT ON SCHEMA {name('s ' + EVIL)} IS {quote(comment)};"
        f'CREATE TABLE {table} ({name(EVIL[:50])} int PRIMARY KEY DEFAULT 1, pk int UNIQUE, "1st" text[],'
        f" other int REFERENCES {table}, CHECK ({name(EVIL[:50])} <> length({quote(EVIL)})));"
        f"COMMENT ON TABLE {table} IS {quote(comment)}; COMMENT ON COLUMN {table}.pk IS {quote(comment)};"
        f"CREATE TYPE {name('s ' + EVIL)}.{name('e|`')} AS ENUM ({quote(EVIL[:40])}, '', '`');"
        "CREATE SCHEMA left_out; CREATE TABLE left_out.secret ()",
    )
    document = markdown(f"shop {EVIL}", found)
    assert document.startswith(MARKER + "\n")
    assert "left_out" not in document
    tokens = MarkdownIt("gfm-like").parse(document.removeprefix(MARKER))
    kinds = {token.type for token in tokens}
    assert "html_block" not in kinds
    assert "blockquote_open" not in kinds
    inside = [child for token in tokens for child in token.children or ()]
    assert {one.type for one in inside} <= {"text", "softbreak", "code_inline", "html_inline"}
    assert {one.content for one in inside if one.type == "html_inline"} <= {"<br>", "<code>", "</code>"}
    headings = [one for one in tokens if one.type == "heading_open"]
    assert [one.tag for one in headings] == ["h1", "h2", "h3", "h3"], "none of theirs"
    (drawing,) = (one for one in tokens if one.type == "fence")
    assert drawing.info == "mermaid"
    check_grammar(drawing.content)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e]", document)


def check_grammar(source: str) -> None:
    """Each line is one of Mermaid's entity-relationship diagrams."""
    first, *lines = source.splitlines()
    assert first == "erDiagram"
    for line in (one.strip() for one in lines):
        assert line == "}" or any(form.fullmatch(line) for form in (ENTITY, ROW, LINK)), line


def relation(schema: str, table: str, *refers: str) -> ToldRelation:
    columns = tuple(ToldColumn(one, "integer", True, "", "", "", "") for one in ("id", *refers))
    keys = (
        ToldConstraint("pk", "p", "PRIMARY KEY (id)", True, "", ("id",)),
        *(ToldConstraint(f"fk_{one}", "f", "", True, "", (one,), (schema, one)) for one in refers),
    )
    return ToldRelation(schema, table, "r", False, "", "", "", "", "", columns, keys)


def test_of_a_large_schema_the_tables_with_most_keys_are_drawn() -> None:
    tables = [relation("s", f"t{n:04}") for n in range(2000)]
    tables += [relation("s", "z_hub", *(f"t{n:04}" for n in range(10)))]
    found = diagram(tables)
    assert found is not None
    assert (found.tables, found.all_tables) == (MOST_TABLES, 2001)
    source = "\n".join(found.lines)
    check_grammar(source)
    assert '"s.z_hub" {' in source
    assert source.count("--") == 10
    assert len(source) < 50_000, "Mermaid takes no more"


def test_names_that_are_cleaned_to_the_same_stay_two_entities() -> None:
    found = diagram([relation("s", "a b"), relation("s", "a|b"), relation("s", "a\tb"), relation("s", "a_b 2")])
    assert found is not None
    entities = [line.split('"')[1] for line in found.lines if line.endswith("{")]
    assert len(set(entities)) == 4, entities


@pytest.mark.parametrize("tables", [2000])
def test_two_thousand_tables_are_described_in_time(pg18: Server, database_on: Callable[..., str], tables: int) -> None:
    database = database_on(pg18)
    pg18.execute(
        f"DO $$BEGIN FOR n IN 1..{tables} LOOP EXECUTE format('CREATE TABLE t%s (id int PRIMARY KEY, a text NOT NULL"
        " DEFAULT %L, b int CHECK (b > 0), c timestamptz)', n, 'x'); IF n % 250 = 0 THEN COMMIT; END IF; END LOOP;"
        " END$$",
        database,
    )
    started, cpu = time.monotonic(), time.process_time()
    document = markdown("shop", described(pg18, database, "SELECT 1"))
    assert document.count("### ") == tables
    assert time.process_time() - cpu < 3, f"{time.monotonic() - started:.1f} s in all"
