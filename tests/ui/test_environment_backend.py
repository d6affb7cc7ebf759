"""What the screen of an environment asks for and carries out, against a real server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pgmig_tui.display.cells import text_of
from pgmig_tui.errors import Refused
from pgmig_tui.ui.backend.project import ProjectSession
from tests.cli.program import Checkout, environment, shop
from tests.servers import Server


def opened(checkout: Checkout) -> ProjectSession:
    return ProjectSession(checkout.root, environment(checkout.home))


def texts(lines: object) -> str:
    return "\n".join(text_of(one) for one in lines)  # type: ignore[attr-defined]


def test_an_environment_is_told_undone_and_settled(tmp_path: Path, pg18: Server, database: str) -> None:
    targets = {"dev": pg18.uri(database), "gone": "db:pg://127.0.0.1:1/x"}
    checkout = shop(tmp_path, targets)
    assert checkout.run("deploy", "dev", "--yes", "--to", "orders").status == 0
    assert checkout.run("deploy", "dev", "--yes").status == 0
    pg18.execute("INSERT INTO shop.orders VALUES (1, 2)", database)
    done = checkout.run("rollback", "dev", "--yes", "--save", "--json-lines")
    run = str(json.loads(done.out.splitlines()[0])["run"])
    session, told = opened(checkout), list[str]()

    health = session.health("dev")
    states = {one.item: one.state for one in health.items}
    assert (states["check:server"], health.problem) == ("PASS", "")
    assert {one.name for one in health.numbers} >= {"size", "connections", "waiting for locks"}
    silent = session.health("gone")
    assert silent.problem
    assert next(one.state for one in silent.items if one.item == "check:server") == "FAIL"
    assert "revert" in [one.operation for one in session.history("dev").deeds]
    assert session.compare("dev", "gone").problems[0][0] == "gone"

    assert "nothing is to settle" in texts(session.settle("dev", "yes", told.append).lines)
    (kept,) = session.kept("dev")
    assert (kept.run, kept.elsewhere) == (run, "")
    checkout.write("pgmig.toml", '[[environment]]\nname = "dev"\ntarget = "dev"\nprotected = true\n')
    guarded = opened(checkout)
    with pytest.raises(Refused, match="word was not typed"):
        guarded.undo("dev", run, "yes", told.append)
    with pytest.raises(Refused, match="replace more than was accepted"):
        guarded.undo("dev", run, "dev", told.append, ())
    (checkout.root / "pgmig.toml").unlink()
    assert len(session.kept("dev")) == 1
    assert checkout.run("rollback", "dev", "--lift", "total=it-is-mended", "--yes").status == 0
    assert checkout.run("deploy", "dev", "--yes").status == 0
    pg18.execute("UPDATE shop.orders SET total = 77", database)
    left = texts(session.undo("dev", run, "yes", told.append))
    assert "1 row holds something else, which was left" in left
    assert "NOT EQUAL" in left
    (kept,) = session.kept("dev")
    assert kept.overwrites.all == ("values of shop.orders that were written since",)
    assert "there now 1 with" in texts(session.undo("dev", run, "yes", told.append, kept.overwrites.all))
    assert pg18.execute("SELECT total FROM shop.orders", database) != [(77,)]
    assert session.kept("dev") == ()
    assert "nothing is pending" in texts(session.rehearse("dev", told.append))
    assert "nothing is pending" in texts(session.test("dev", told.append))

    (journal,) = checkout.home.rglob(f"{run}/journal.jsonl")
    events = journal.read_text().splitlines(keepends=True)
    ended = next(number for number, event in enumerate(events) if json.loads(event)["event"] == "run_finished")
    journal.write_text("".join(events[:ended]))
    found = session.settle("dev", "yes", told.append)
    assert ("settled" in texts(found.lines), found.doubts) == (True, ())
    assert "nothing is to settle" in texts(session.settle("dev", "yes", told.append).lines)
