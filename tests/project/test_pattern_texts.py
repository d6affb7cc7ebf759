"""Whatever is given for a place in a script stays in that place, or is refused."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pgmig_tui.errors import UsageError
from pgmig_tui.impact import nodes
from pgmig_tui.project.author.patterns.every import BY_NAME
from pgmig_tui.script.actions import ServerFacts
from pgmig_tui.script.files import Allow
from pgmig_tui.script.preview import preview
from tests.memory_files import MemoryFiles

PIECES = st.sampled_from(
    ["a", "1", "text", " ", ",", ";", "(", ")", "[", "]", "'", "''", '"', "$$", "$x$", "--", "/*", "*/", ":x", "::int",
     "\\", "\\echo x", "\n", "\r", "E'", "U&'", " OR ", " AS b", " FROM t", " WHERE true", " NOT NULL", " DEFAULT 1",
     ' COLLATE "C"', "SELECT 1", "=", " IS NOT NULL", "*", "NULL", " CHECK (", "lower(", " DESC", "ROW(",
     "\0", "\u00e9"]
)  # fmt: skip
FEW = st.lists(PIECES, max_size=3).map("".join)
SERVER = ServerFacts(180000, "d", "u")


def shape(pattern: str, **texts: str) -> list[object]:
    """What the deploy scripts of a pattern do: each statement's kind, with the fields that its tree has."""
    found = BY_NAME[pattern]
    said: dict[str, Sequence[str]] = {name: [text] for name, text in texts.items()}
    shapes: list[object] = []
    for draft in found.drafts(found.read(said)):
        view = preview(
            "x.sql", draft.deploy.encode(), MemoryFiles({}), {"x": "1"}, Allow(), ServerFacts(180000, "d", "u")
        )
        assert view.findings == ()
        assert view.metas == ()
        for one in view.statements:
            assert one.problem is None, draft.deploy
            assert not one.variables
            assert len(one.nodes) == 1
            node = nodes.statement(one.nodes[0])
            parts = [node] + [nodes.definition(each.alter_table_cmd) for each in getattr(node, "cmds", ())]
            parts = [each for each in parts if each is not None]
            shapes.append([(nodes.kind(each), sorted(field.name for field, _ in each.ListFields())) for each in parts])
    return shapes


PLACES = [
    ("add-column", "type", {"table": "s.t", "column": "c"}, ("text", "int[]", "numeric(1)")),
    ("add-column", "default", {"table": "s.t", "column": "c", "type": "int"}, ("1",)),
    ("check", "check", {"table": "s.t", "constraint": "k"}, ("a > 0",)),
    ("index", "on", {"table": "s.t", "index": "i"}, ("a",)),
    ("index", "where", {"table": "s.t", "on": "a", "index": "i"}, ("a > 0",)),
    ("batched-rows", "set", {"table": "s.t", "where": "a", "key": "id", "no_way_back": "x"}, ("b = 1",)),
    ("batched-rows", "where", {"table": "s.t", "set": "b = 1", "key": "id", "no_way_back": "x"}, ("a",)),
    ("row-security", "using", {"table": "s.t", "policy": "p"}, ("a > 0",)),
]


@pytest.mark.parametrize(("pattern", "place", "answers", "harmless"), PLACES)
@settings(max_examples=100, derandomize=True)
@given(before=FEW, behind=FEW)
def test_a_text_stays_in_its_place(
    pattern: str, place: str, answers: dict[str, str], harmless: tuple[str, ...], before: str, behind: str
) -> None:
    known = [shape(pattern, **answers, **{place: one}) for one in harmless]
    try:
        found = shape(pattern, **answers, **{place: f"{before}{harmless[0]}{behind}"})
    except UsageError:
        return
    assert found in known
