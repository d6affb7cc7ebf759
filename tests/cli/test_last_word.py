"""The last word at the command line: it counts for what holds when it is given, not for what was shown long before."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import psycopg
import pytest

from pgmig_tui.cli import last_word as module
from pgmig_tui.cli.last_word import last_word
from pgmig_tui.errors import Refused
from pgmig_tui.review.prepared import looked_again, review
from pgmig_tui.run.journal.run_plan import Options
from pgmig_tui.run.planning.prepare import prepare
from pgmig_tui.ui.backend.project import ProjectSession
from tests.cli.program import environment, shop
from tests.servers import Server


class Terminal(StringIO):
    """Somebody who reads what is asked, does something, and then answers."""

    def __init__(self, *acts: Callable[[], str]) -> None:
        super().__init__()
        self._acts = iter(acts)

    def isatty(self) -> bool:
        return True

    def readline(self, *_: object) -> str:  # type: ignore[override]
        return next(self._acts)() + "\n"


@pytest.fixture
def at_the_terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[..., StringIO]:
    def sit(*acts: Callable[[], str]) -> StringIO:
        told = Terminal()
        monkeypatch.setattr(sys, "stdin", Terminal(*acts))
        monkeypatch.setattr(sys, "stderr", told)
        return told

    monkeypatch.setattr(module, "FRESH_S", 0.0)  # whatever was shown is old at once
    return sit


def test_what_has_become_worse_while_a_question_stood_is_told_and_asked_again(
    tmp_path: Path, pg18: Server, database: str, at_the_terminal: Callable[..., StringIO]
) -> None:
    checkout = shop(tmp_path, {"dev": pg18.uri(database)})
    assert checkout.run("deploy", "dev", "--yes", "--to", "orders").status == 0
    session = ProjectSession(checkout.root, environment(checkout.home))
    dev = next(one for one in session.project.environments if one.name == "dev")
    plan = prepare(session.project, dev, "deploy", Options(), state_dir=tmp_path / "state")
    seen = review(plan, dev)
    asked = Namespace(yes=False, confirm=None)

    def yes_but_blocked() -> str:
        with psycopg.connect(pg18.conninfo(database)) as other:
            other.execute("SELECT * FROM shop.orders")
            other.execute(f"PREPARE TRANSACTION '{database}'")
        return "yes"

    told = at_the_terminal(yes_but_blocked, lambda: "no")
    with pytest.raises(Refused, match="You said no"):
        last_word(asked, plan, seen, lambda: looked_again(seen, dev))
    assert told.getvalue().count("on dev? [yes/no]") == 2
    assert "CHANGED" in told.getvalue()
    assert "Nobody holds the affected tables for long: was PASS, is FAIL: a" in told.getvalue()

    told = at_the_terminal(lambda: "yes")
    blocked = looked_again(seen, dev)
    assert last_word(asked, plan, blocked, lambda: looked_again(blocked, dev)).gate.results
    assert "CHANGED" not in told.getvalue(), "what was shown is nothing new"
    given = Namespace(yes=True, confirm=None)
    assert last_word(given, plan, seen, lambda: pytest.fail("words given as options are taken at once")) is seen
    pg18.execute(f"ROLLBACK PREPARED '{database}'", database)
