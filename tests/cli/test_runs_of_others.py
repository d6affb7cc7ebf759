"""`after`, `answer`, `runs` and `report` of a run of another account: by what its database keeps."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.cli.program import Checkout, shop
from tests.servers import Server


@pytest.fixture
def here(tmp_path: Path, pg18: Server, database_on: Callable[..., str]) -> Checkout:
    made = shop(tmp_path, {"dev": pg18.uri(database_on(pg18)), "gone": "db:pg://postgres@127.0.0.1:1/gone"})
    made.write(
        "pgmig.toml", '[[environment]]\nname = "gone"\ntarget = "gone"\n[[environment]]\nname = "dev"\ntarget = "dev"\n'
    )
    return made


@pytest.fixture
def there(here: Checkout, tmp_path: Path) -> Checkout:
    """The same project, with the state folder of another account."""
    home = tmp_path / "another"
    home.mkdir()
    return replace(here, home=home)


def items(ran_by: Checkout, run: str) -> dict[str, dict[str, Any]]:
    done = ran_by.run("after", run, "--json")
    return {one["id"]: one for one in json.loads(done.out)["items"]}


def newest(of: Checkout) -> str:
    return str(json.loads(of.run("runs", "--json").out)["runs"][0]["run"])


def test_what_was_done_is_told_and_answers_are_kept_for_both(here: Checkout, there: Checkout) -> None:
    assert there.run("deploy", "dev", "--yes").status == 0
    run = newest(there)
    told = here.run("after", run)
    assert told.status == 0, told.err
    assert f"run {run} is none of this account" in told.err
    before = items(here, run)
    assert before["deploy:production"]["state"] == "PASS"
    assert "3 of 3 changes deployed, by the database" in before["deploy:production"]["seen"]["summary"]
    assert "2 of 3 verifications passed" in before["deploy:verify-production"]["seen"]["summary"]
    assert before["post:logs"]["state"] == "UNKNOWN"

    said = here.run("answer", run, "post:logs=read until 04:10, nothing new", "--json")
    assert said.status == 0, said.err
    assert json.loads(said.out)["in_database"] is True
    assert "read until 04:10" in json.dumps(items(here, run)["post:logs"])
    seen = here.run("answer", run, "deploy:production=I saw it")
    assert seen.status == 3
    assert "is seen by the program" in seen.err
    assert here.run("answer", run, "post:logs=", "--yes").status == 0
    assert "read until" not in json.dumps(items(here, run)["post:logs"])


def test_a_failed_one_is_no_pass(here: Checkout, there: Checkout) -> None:
    here.change("total", "SELECT 1/0;", verify=None)
    assert there.run("deploy", "dev", "--yes").status == 1
    found = items(here, newest(there))
    assert found["deploy:production"]["state"] == "FAIL"
    assert "2 of 3 changes deployed" in found["deploy:production"]["seen"]["summary"]


def test_a_journal_that_is_not_here_is_said_to_be_elsewhere(here: Checkout, there: Checkout) -> None:
    assert there.run("deploy", "dev", "--yes").status == 0
    run = newest(there)
    for command in ("runs", "report"):
        done = here.run(command, run)
        assert done.status == 2
        assert f"run {run} is none of this account" in done.err
        assert f"`pgmig-tui after {run}`" in done.err


def test_one_that_nobody_knows(here: Checkout) -> None:
    done = here.run("after", "20260101-000000-abcd")
    assert done.status == 2
    assert "there is no run 20260101-000000-abcd" in done.err
    assert "gone wasn't asked" in done.err
