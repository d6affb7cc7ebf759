"""`pgmig-tui plan`, and what every command does with a project before it meets a server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.program import Checkout, shop

URI = "db:pg://localhost:1/nowhere"


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return shop(tmp_path, {"dev": URI})


def test_the_json_of_a_plan_has_the_shape_that_is_promised(checkout: Checkout) -> None:
    done = checkout.run("plan", "--json")
    assert (done.status, done.err) == (0, "")
    document = json.loads(done.out)
    assert list(document) == ["project", "uri", "changes"]
    assert (document["project"], document["uri"]) == ("shop", "https://example.org/shop")
    schema, orders, total = document["changes"]
    assert orders == {
        "name": "orders",
        "change_id": orders["change_id"],
        "parent_id": schema["change_id"],
        "planned_at": "2024-01-02T03:04:05Z",
        "planner": {"name": "Maria Test", "email": "maria@example.org"},
        "note": "Add orders",
        "requires": ["schema"],
        "conflicts": [],
        "tags": [{"name": "@v1", "tag_id": orders["tags"][0]["tag_id"]}],
        "scripts": {"deploy": "deploy/orders.sql", "revert": "revert/orders.sql", "verify": "verify/orders.sql"},
        "reworked": False,
    }
    assert schema["parent_id"] is None
    assert total["scripts"]["verify"] is None
    assert len(orders["change_id"]) == len(orders["tags"][0]["tag_id"]) == 40


def test_reworked_changes_and_their_scripts(checkout: Checkout) -> None:
    checkout.plan("orders {at} # One", "@v1 {at} # First", "orders [orders@v1] {at} # Two")
    checkout.write("deploy/orders@v1.sql", "SELECT 1;")
    first, second = json.loads(checkout.run("plan", "--json").out)["changes"]
    assert (first["reworked"], second["reworked"]) == (True, False)
    assert first["scripts"] == {"deploy": "deploy/orders@v1.sql", "revert": "revert/orders@v1.sql", "verify": None}
    assert second["requires"] == ["orders@v1"]


def test_the_table_names_every_change_whole_when_it_is_piped(checkout: Checkout) -> None:
    done = checkout.run("plan")
    assert done.status == 0
    rows = [row.split() for row in done.out.splitlines()]
    assert [row[:2] for row in rows if row and row[0].isdigit()] == [["1", "schema"], ["2", "orders"], ["3", "total"]]
    assert "Maria Test" in done.out
    assert "\x1b" not in done.out


def test_a_narrow_terminal_gives_up_columns_before_names(checkout: Checkout) -> None:
    out = checkout.run("plan", env={"COLUMNS": "40"}).out
    assert max(len(line.rstrip()) for line in out.splitlines()) <= 40
    assert "orders @v1" in out
    assert "Maria" not in out


def test_capital_c_reads_the_project_of_another_folder(checkout: Checkout) -> None:
    above = Checkout(checkout.root.parent, checkout.home)
    assert above.run("-C", "project", "plan", "--json").out == checkout.run("plan", "--json").out
    done = above.run("-C", "nowhere", "plan")
    assert done.status == 2
    assert "nowhere" in done.err


def test_another_plan_file_by_option(checkout: Checkout) -> None:
    (checkout.root / "sqitch.plan").rename(checkout.root / "other.plan")
    assert checkout.run("plan").status == 2
    assert json.loads(checkout.run("plan", "--json", "--plan-file", "other.plan").out)["project"] == "shop"


def test_a_reader_that_stops_reading_is_no_error(checkout: Checkout) -> None:
    import subprocess
    import sys

    from tests.cli.program import environment

    checkout.plan(*(f"change_{number} {{at}} # A note" for number in range(5000)))
    with subprocess.Popen(
        [sys.executable, "-m", "pgmig_tui", "plan", "--json"],
        cwd=checkout.root,
        env=environment(checkout.home),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 0


def test_the_version_is_said_without_reading_anything(tmp_path: Path) -> None:
    import pgmig_tui

    done = Checkout(tmp_path, tmp_path).run("--version")
    assert (done.status, done.out) == (0, f"pgmig-tui {pgmig_tui.__version__}\n")


def test_the_screen_needs_a_terminal(checkout: Checkout) -> None:
    done = checkout.run()
    assert done.status == 2
    assert "pgmig-tui status" in done.err
    assert done.out == ""
