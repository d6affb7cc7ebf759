"""The codes of advice: used, listed and documented alike; and every example of docs/rules holds on real servers."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from pgmig_tui.database.catalog import read_script_facts
from pgmig_tui.database.connect import connect
from pgmig_tui.impact import rules
from pgmig_tui.impact.advice import RULES, silenced
from pgmig_tui.impact.names import names_in
from pgmig_tui.impact.predict import predict_script
from pgmig_tui.script.actions import ServerFacts
from pgmig_tui.script.files import Allow
from pgmig_tui.script.preview import Preview, preview
from tests.database.places import Databases, place
from tests.memory_files import MemoryFiles
from tests.servers import Server

DOCS = Path(__file__).parent.parent / "docs" / "rules"


def used_codes() -> set[str]:
    """The codes in the sources of the rules. A code that is no literal could not be found, and is a failure."""
    found = set()
    for path in Path(rules.__file__).parent.glob("*.py"):
        if path.name == "altering.py":  # hands codes on
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "advise":
                code = node.args[0]
                literal = code.value if isinstance(code, ast.Constant) else None
                assert isinstance(literal, str), f"{path.name}:{node.lineno}: the code is no literal"
                found.add(literal)
    return found


def sections(rule: str) -> dict[str, str]:
    """The SQL of a page by its heading."""
    text = (DOCS / f"{rule}.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^## ([^\n]+)\n\n```sql\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))


def read(sql: str, version: int = 180000) -> Preview:
    return preview("docs.sql", sql.encode(), MemoryFiles({}), {}, Allow(), ServerFacts(version))


def given(sql: str, server: Server, database: str) -> list[str]:
    """The codes of the advice that is given and not silenced, by the catalog of a server."""
    view = read(sql, server.version_num)
    assert all(one.problem is None for one in view.statements)
    with connect(place(server, database), application_name="pgmig/test/watch") as connection:
        facts = read_script_facts(connection, names_in(view.statements))
    impact, findings = silenced(predict_script(view.statements, facts, server.version_num), view)
    assert [finding.message for finding in findings] == []
    assert not any(one.unknown or one.problem for one in impact.statements)
    return [advice.rule for one in impact.statements for advice in one.advice if advice.rule not in one.silenced]


def shop(server: Server, database: str) -> None:
    readme = (DOCS / "README.md").read_text(encoding="utf-8")
    schema = re.search(r"^```sql\n(CREATE SCHEMA.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    assert schema is not None
    server.execute(schema[1], database)
    server.execute("INSERT INTO shop.orders SELECT n, n, 1, n FROM generate_series(1, 100) n; ANALYZE", database)
    server.execute("INSERT INTO shop.customers VALUES (1, 'a@example.org')", database)


def test_every_code_is_used_listed_and_has_a_page() -> None:
    assert used_codes() == set(RULES) == {path.stem for path in DOCS.glob("*.md")} - {"README"}


def test_the_index_names_them_all() -> None:
    linked = re.findall(
        r"^\| \[([\w-]+)\]\(\1\.md\) \|", (DOCS / "README.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert linked == sorted(RULES)


@pytest.mark.parametrize("rule", RULES)
def test_a_page_has_its_parts_and_its_links_lead_somewhere(rule: str) -> None:
    text = (DOCS / f"{rule}.md").read_text(encoding="utf-8")
    assert text.startswith(f"# {rule}: ")
    assert {"Instead of", "Safer", "Silence it"} <= set(sections(rule))
    assert re.search(r"PostgreSQL \d\d", text), "a page says for which versions it holds"
    for linked in re.findall(r"\]\(([\w-]+)\.md\)", text):
        assert linked in RULES


@pytest.mark.parametrize("major", [16, 18])
def test_the_examples_of_every_rule_hold_on_a_real_server(
    request: pytest.FixtureRequest, major: int, database_on: Databases
) -> None:
    server: Server = request.getfixturevalue(f"pg{major}")
    untouched = database_on(server)
    shop(server, untouched)
    for rule in RULES:
        page = sections(rule)
        assert rule in given(page["Instead of"], server, untouched), rule
        assert rule not in given(page["Silence it"], server, untouched), rule
        for heading, sql in page.items():
            if heading == "Safer" or (heading == "Safer, from PostgreSQL 18 on" and major >= 18):
                assert rule not in given(sql, server, untouched), rule
                name = database_on(server)
                shop(server, name)
                for statement in read(sql).statements:
                    if statement.control is None:
                        server.execute(statement.text, name)
