"""A review of a real project: what was answered there stands in the next one, of whichever program."""

from __future__ import annotations

from pathlib import Path

from pgmig_tui.ui.backend.project import ProjectSession
from pgmig_tui.ui.backend.protocol import Answered, ReviewFacts
from tests.cli.program import environment, shop
from tests.database.places import Databases
from tests.servers import Server


def test_answers_outlive_the_session_and_a_changed_script_asks_again(
    tmp_path: Path, pg18: Server, database_on: Databases
) -> None:
    checkout = shop(tmp_path, {"live": pg18.uri(database_on(pg18))})
    env = environment(checkout.home)
    heard: list[ReviewFacts] = []
    first = ProjectSession(checkout.root, env)
    review = first.prepare("live", "deploy", None, so_far=heard.append)
    assert (review.recalled, dict(review.again)) == ((), {})
    assert [one.asking for one in heard] == [True] * len(heard)
    assert len(heard) > 10
    states = [{item.id: item.state for item in one.items}["check:wraparound"] for one in heard]
    assert (states[0], states[-1]) == ("UNKNOWN", "PASS")
    said = [Answered("pre:notify", "attest", "mailed"), Answered("check:dumps", "override", "it is known to us")]
    assert first.keep(review, said) == ""
    answered = {item.id: item for item in first.answer(review, said).items}
    assert (answered["pre:notify"].answered, answered["pre:notify"].state) == ("mailed", "PASS")
    assert answered["check:server"].kept is not None
    assert answered["check:server"].kept.rows

    again = ProjectSession(checkout.root, env).prepare("live", "deploy", None)
    assert [(one.item_id, one.note) for one in again.recalled] == [("pre:notify", "mailed")]
    assert again.again["check:dumps"][0] == "it is known to us"
    assert "mailed (Maria Test <maria@example.org>" in checkout.run("check", "live").out

    checkout.write("deploy/common.sql", "SELECT 1;\n")
    script = "\\ir common.sql\nALTER TABLE shop.orders ADD COLUMN total bigint;"
    checkout.change("total", script, "SELECT 1;", None)
    changed = ProjectSession(checkout.root, env).prepare("live", "deploy", None)
    assert changed.recalled == ()
    assert changed.again["pre:notify"] == ("mailed", "the script of total has changed since")
    assert checkout.run("answer", "live", "pre:notify=mailed again").status == 0
    same = ProjectSession(checkout.root, env).prepare("live", "deploy", None)
    assert [one.note for one in same.recalled] == ["mailed again"], "command line and screen mean the same"
    checkout.write("deploy/common.sql", "SELECT 2;\n")
    included = ProjectSession(checkout.root, env).prepare("live", "deploy", None)
    assert included.again["pre:notify"] == ("mailed again", "the script of total has changed since")
