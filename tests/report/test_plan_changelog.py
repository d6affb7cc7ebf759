"""The changelog of a plan: by tag, the newest first, and nothing of a note is Markdown."""

from __future__ import annotations

from pathlib import Path

import pytest

from pgmig_tui.errors import ProjectError, UsageError
from pgmig_tui.project.changes import Plan
from pgmig_tui.project.plan import read_plan
from pgmig_tui.report.plan_changelog import as_file, changelog, chosen

WHO = "Maria Test <maria@example.org>"
LINES = f"""\
%syntax-version=1.0.0
%project=shop

schema 2024-01-02T03:04:05Z {WHO} # OPS-1 A schema
orders [schema] 2024-01-03T03:04:05Z {WHO} # Orders, see http://evil/ and <b>bold</b>
@v1 2024-01-04T03:04:05Z {WHO} # First
@first 2024-01-05T03:04:05Z {WHO} # The same
total [orders] 2024-02-02T03:04:05Z {WHO} # OPS-2 Totals
@v2 2024-02-03T03:04:05Z {WHO}
orders [orders@v2] 2024-03-02T03:04:05Z {WHO} # Orders anew
"""
ALL = """\
## Unreleased

- 2024-03-02 `orders` (reworked): Orders anew

## `@v2`, 2024-02-03

- 2024-02-02 `total`: OPS-2 Totals

## `@v1`, `@first`, 2024-01-05

First

The same

- 2024-01-03 `orders`: Orders, see http&#58;//evil/ and &#60;b&#62;bold&#60;/b&#62;
- 2024-01-02 `schema`: OPS-1 A schema
"""


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    path = tmp_path / "sqitch.plan"
    path.write_text(LINES)
    return read_plan(path)


def test_all_of_a_plan_stands_under_its_tags(plan: Plan) -> None:
    text = changelog(plan, chosen(plan))
    assert text == ALL
    assert as_file(plan, text).endswith(f"# Changelog of shop\n\n{ALL}")


@pytest.mark.parametrize(
    ("bounds", "names"),
    [
        (("@v1", "", ""), ["total", "orders"]),
        (("@v2", "", ""), ["orders"]),
        (("HEAD", "", ""), []),
        (("", "orders@v1", "total"), ["orders", "total"]),
        (("", "", "@v1"), ["schema", "orders"]),
        (("", "total", ""), ["total", "orders"]),
    ],
)
def test_a_part_of_it_can_be_named(plan: Plan, bounds: tuple[str, str, str], names: list[str]) -> None:
    assert [one.name for one in chosen(plan, *bounds)] == names
    told = changelog(plan, chosen(plan, *bounds))
    assert told.count("\n- ") == len(names)
    assert names or told == "Nothing has changed.\n"


def test_what_is_not_there_or_the_wrong_way_round_is_refused(plan: Plan) -> None:
    with pytest.raises(ProjectError, match="@v9"):
        chosen(plan, "@v9")
    with pytest.raises(UsageError, match="comes before"):
        chosen(plan, "", "total", "schema")


def test_a_ticket_that_a_note_names_is_told(plan: Plan) -> None:
    text = changelog(plan, chosen(plan, "@v1"), lambda note: note.split()[0] if note.startswith("OPS-") else "")
    assert "`total`: OPS-2 Totals (`OPS-2`)" in text
    assert "Orders anew\n" in text
