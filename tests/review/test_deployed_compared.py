"""Two environments side by side: what each has alone, other scripts, other orders, other tags."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pgmig_tui.database.deployed import DeployedTag
from pgmig_tui.display.cells import text_of
from pgmig_tui.review.deployed_compared import Compared, details, differences, headline, row
from tests.cli.program import shop
from tests.database.places import row as deployed
from tests.servers import Server

CHANGES = [deployed(number, f"change_{number}", script_hash=f"{number:040x}") for number in range(1, 7)]


@pytest.mark.parametrize(
    ("there", "wanted"),
    [
        (CHANGES, []),
        (CHANGES[:4], [("only here", "change_5"), ("only here", "change_6")]),
        ([*CHANGES[:2], *CHANGES[3:]], [("only here", "change_3")]),
        ([*CHANGES, deployed(9, "more")], [("only there", "more")]),
        ([CHANGES[5], *CHANGES[:5]], [("order", "change_6")]),
        ([*CHANGES[1:], CHANGES[0]], [("order", "change_1")]),
        ([*CHANGES[:5], replace(CHANGES[5], script_hash="f" * 40)], [("script", "change_6")]),
        ([*CHANGES[:5], replace(CHANGES[5], script_hash=None)], [("script", "change_6")]),
        ([*CHANGES[:5], replace(CHANGES[5], tag_rows=(DeployedTag("1", "@v1", "x"),))], [("tags", "change_6")]),
        ([], [("only here", one.name) for one in CHANGES]),
    ],
)
def test_each_difference_is_told_once_and_no_more_than_moved_is_out_of_order(
    there: list[object], wanted: list[tuple[str, str]]
) -> None:
    found = tuple(differences(CHANGES, there))  # type: ignore[arg-type]
    assert [(one.kind, one.change) for one in found] == wanted
    both = Compared("dev", "prod", found, 6)
    for one in found:
        assert one.change in text_of(row(one, both))
        assert one.change_id in text_of(details(one, both)[0])
    assert text_of(headline(both))[0] == ("!" if wanted else "+")


def test_two_real_registries_are_compared_by_a_command(
    tmp_path: Path, pg18: Server, database_on: Callable[..., str]
) -> None:
    dev, prod = database_on(pg18), database_on(pg18)
    targets = {"dev": pg18.uri(dev), "staging": pg18.uri(prod), "gone": "db:pg://127.0.0.1:1/x"}
    made = shop(tmp_path, targets)
    assert made.run("deploy", "dev", "--yes").status == 0
    assert made.run("deploy", "staging", "--yes", "--to", "schema").status == 0
    done = made.run("compare", "dev", "staging")
    assert done.status == 1, done.err
    assert "only on dev" in done.out
    assert "pgmig-tui drift dev staging" in done.out
    told = json.loads(made.run("compare", "staging", "dev", "--json").out)
    assert {one["kind"] for one in told["differences"]} == {"only there"}
    assert (told["same"], told["problems"]) == (1, [])
    assert told["differences"][0]["here"] is None
    assert told["differences"][0]["there"]["position"] == 2
    assert made.run("deploy", "staging", "--yes").status == 0
    same = made.run("compare", "dev", "staging")
    assert (same.status, "have the same" in same.out) == (0, True), same
    silent = made.run("compare", "dev", "gone", "--json")
    assert (silent.status, json.loads(silent.out)["problems"][0]["environment"]) == (5, "gone")
    assert made.run("compare", "dev", "dev").status == 2
