"""`runs`: which of them are listed, in what order; and what `status` says of a plan without changes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pgmig_tui.display.closest import closest, did_you_mean
from tests.cli.program import Checkout, shop
from tests.servers import Server


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    made = shop(tmp_path, {"dev": "db:pg://127.0.0.1:1/nowhere"})
    run(made, "20240101-100000-0001", "2024-01-01T10:00:00Z", "shop", "dev", 0)
    run(made, "20240102-100000-0002", "2024-01-02T10:00:00Z", "shop", "prod", 1)
    run(made, "20240103-100000-0003", "2024-01-03T10:00:00Z", "other", "dev", 0)
    run(made, "20240104-100000-0004", f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", "shop", "dev", None)
    return made


def run(checkout: Checkout, run_id: str, at: str, project: str, environment: str, status: int | None) -> None:
    """The journal of a run; without a status it was cut off."""
    opening = {
        "seq": 1, "at": at, "run": run_id, "event": "run_planned", "format": 1, "command": "deploy",
        "project": project, "environment": environment, "target": "db:pg:", "database": "x", "server_version": "18.0",
        "system_identifier": None, "protected": False, "log_only": False, "baseline": None, "operator": "Maria",
        "os_user": "maria", "host": "h", "pid": 1, "prepared_at": at, "root": "/", "lock_timeout_ms": 1, "retries": 1,
        "registry": "sqitch", "tracking": None, "rolls_back": None, "back_to": "", "keep_schema": None,
        "warnings": [], "steps": [],
    }  # fmt: skip
    events: list[dict[str, object]] = [opening]
    if status is not None:
        end = {"exit_status": status, "result": "done", "done": 0, "total": 0, "summary": "", "now": "", "do": ""}
        events.append({"seq": 2, "at": at, "run": run_id, "event": "run_finished", **end, "ms": None})
    folder = checkout.home / "state" / "pgmig-tui" / "runs" / run_id
    folder.mkdir(parents=True)
    (folder / "journal.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in events))


def listed(checkout: Checkout, *arguments: str) -> list[str]:
    done = checkout.run("runs", "--json", *arguments)
    assert done.status == 0, done.err
    return [one["run"][-1] for one in json.loads(done.out)["runs"]]


def test_the_runs_of_the_project_are_listed_and_all_where_it_is_asked_for(checkout: Checkout, tmp_path: Path) -> None:
    assert listed(checkout) == ["4", "2", "1"]
    assert listed(checkout, "--all") == ["4", "3", "2", "1"]
    assert listed(checkout, "--project", "other") == ["3"]
    outside = Checkout(tmp_path, checkout.home)
    assert listed(outside) == ["4", "3", "2", "1"], "where there is no project, those of all"
    done = checkout.run("runs")
    assert "1 run of other projects: --all lists them, too" in done.err
    assert "project" in done.out.splitlines()[0]


def test_runs_are_filtered_and_sorted(checkout: Checkout) -> None:
    assert listed(checkout, "--env", "dev") == ["4", "1"]
    assert listed(checkout, "--env", "dev", "--env", "prod", "--all") == ["4", "3", "2", "1"]
    assert listed(checkout, "--outcome", "failed", "--outcome", "unknown") == ["4", "2"]
    assert listed(checkout, "--since", "1d") == listed(checkout, "--since", "2h") == ["4"]
    assert (
        listed(checkout, "--since", "2024-01-02") == listed(checkout, "--since", "2024-01-02T10:00:00Z") == ["4", "2"]
    )
    assert listed(checkout, "--since", "2024-01-02T12:00:00+02:00") == ["4", "2"]
    assert listed(checkout, "--all", "--sort", "environment", "--reverse") == ["2", "1", "3", "4"]
    for wrong in ("yesterday", "2024-13-01", "-1d", "99999999999d", "0d x"):
        assert checkout.run("runs", "--since", wrong).status == 2
    assert "as it was asked for" in checkout.run("runs", "--env", "nowhere").out


def test_what_was_mistyped_is_guessed_at_three_times_at_most_and_never_done(checkout: Checkout) -> None:
    for words, guess in (
        (("deplyo", "dev"), '"deploy"'),
        (("deploy", "--dry-rum"), '"--dry-run"'),
        (("deploy", "def"), '"dev"'),
        (("deploy", "dev", "--to", "totla"), '"total"'),
        (("show", "change", "order"), '"orders"'),
        (("report", "20240101-100000-0000"), '"20240101-100000-0001"'),
        (("help", "statu"), '"status"'),
    ):
        done = checkout.run(*words)
        assert done.status in (2, 5), done
        assert f"Did you mean {guess}" in done.err or done.status == 5, done
        assert done.err.count('"') <= 2 * 3 + 2
    checkout.write("pgmig.toml", '[[environment]]\nname = "dev"\ntarget = "dev"\nprotectd = true\n')
    assert 'did you mean "protected"?' in checkout.run("status").err
    names = [f"20250101_000{number}_orders" for number in range(9)]
    assert closest("orders", names) == names[:3]
    assert did_you_mean("xyzzy", names) == did_you_mean("x", []) == ""
    assert did_you_mean("dev", ["DEV"]) == 'Did you mean "DEV"?'


def test_a_plan_without_changes_isnt_said_to_be_deployed(checkout: Checkout, pg18: Server, database: str) -> None:
    checkout.targets({"dev": pg18.uri(database)})
    checkout.plan()
    done = checkout.run("status")
    assert done.status == 0, done.err
    assert "there is nothing to deploy" in done.out
    assert "everywhere" not in done.out
