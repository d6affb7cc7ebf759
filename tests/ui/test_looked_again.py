"""What the last question asks a real server: who is in the way, what is deployed there, and who works there."""

from __future__ import annotations

from pathlib import Path

import psycopg

from pgmig_tui.ui.backend.project import ProjectSession
from pgmig_tui.ui.views.changed import BLOCKERS, review_differences, rollback_differences
from tests.cli.program import environment, shop
from tests.servers import Server


def test_who_comes_into_the_way_and_what_others_deploy_is_seen(tmp_path: Path, pg18: Server, database: str) -> None:
    checkout = shop(tmp_path, {"dev": pg18.uri(database)})
    assert checkout.run("deploy", "dev", "--yes", "--to", "orders").status == 0
    session = ProjectSession(checkout.root, environment(checkout.home))
    review = session.prepare("dev", "deploy", None)
    same = session.look_again(review, ())
    assert (same.outdated, review_differences(review, same)) == ((), ())

    with psycopg.connect(pg18.conninfo(database)) as reader:
        reader.execute("SELECT * FROM shop.orders")
        assert not review_differences(review, session.look_again(review, ())), "short transactions come and go"
        reader.execute(f"PREPARE TRANSACTION '{database}'")
    blocked = session.look_again(review, ())
    found = [one for one in review_differences(review, blocked) if "Nobody holds the affected tables" in one.text]
    assert [one.worse for one in found] == [True]
    assert {one.id: one.state for one in blocked.items}[BLOCKERS] == "FAIL"
    assert not review_differences(blocked, session.look_again(blocked, ())), "the same one is nothing new"
    pg18.execute(f"ROLLBACK PREPARED '{database}'", database)
    free = session.look_again(blocked, ())
    assert {one.worse for one in review_differences(blocked, free)} == {False}

    assert checkout.run("deploy", "dev", "--yes").status == 0
    late = session.look_again(review, ())
    assert late.outdated == (
        "what is deployed has changed since: 1 change of this is deployed already; the last change is total",
    )
    assert session.answer(late, ()).outdated == late.outdated

    back = session.look_back("dev", None, save=False)
    again = session.look_back_again(back, ())
    assert (again.outdated, again.ahead, rollback_differences(back, again)) == ((), (), ())
    with psycopg.connect(pg18.conninfo(database)) as reader:
        reader.execute("SELECT * FROM shop.orders")
        assert session.look_back_again(back, ()).ahead == ()
        reader.execute(f"PREPARE TRANSACTION '{database}'")
    blocked_back = session.look_back_again(back, ())
    assert [who for who, _ in blocked_back.ahead] == [f"the prepared transaction {database} of postgres"]
    assert any(one.worse for one in rollback_differences(back, blocked_back))
    pg18.execute(f"ROLLBACK PREPARED '{database}'", database)
    assert checkout.run("revert", "dev", "--yes", "--to", "orders").status == 0
    gone = session.look_back_again(back, ())
    assert gone.outdated == ("what is deployed has changed since: the last change is orders",)
