"""What the change screen asks a real server, over and over: who is in the way, and how busy the tables are."""

from __future__ import annotations

from pathlib import Path

import psycopg

from pgmig_tui.display.cells import text_of
from pgmig_tui.ui.backend.project import ProjectSession
from tests.cli.program import environment, shop
from tests.database.places import Databases, until
from tests.servers import Server


def test_the_screen_learns_who_is_in_the_way_and_then_the_rates(
    tmp_path: Path, pg18: Server, database_on: Databases
) -> None:
    name = database_on(pg18)
    checkout = shop(tmp_path, {"dev": pg18.uri(name)})
    assert checkout.run("deploy", "dev", "--to", "orders", "-y").status == 0
    session = ProjectSession(checkout.root, environment(checkout.home))
    change = session.facts.plan[-1]
    impact = session.impact(change.change_id, "deploy", "dev", live=True).impact
    assert impact is not None
    assert impact.rates.scan_source == "measured"
    with psycopg.connect(pg18.conninfo(name, application_name="reporting")) as reader:
        reader.execute("SELECT * FROM shop.orders")
        first = session.now("dev", impact, None)
        assert [ahead.lock.session.pid for ahead in first.ahead] == [reader.info.backend_pid]
        assert "would queue behind" in text_of(first.lines()[0])
        assert first.rates == ()
    until(lambda: session.now("dev", impact, first).rates != ())
    assert session.now("dev", impact, first).ahead == ()


def test_a_server_that_has_gone_is_said_to_be_unknown(tmp_path: Path, pg18: Server, database_on: Databases) -> None:
    name = database_on(pg18)
    checkout = shop(tmp_path, {"dev": pg18.uri(name)})
    session = ProjectSession(checkout.root, environment(checkout.home))
    impact = session.impact(session.facts.plan[-1].change_id, "deploy", "dev", live=False).impact
    assert impact is not None
    pg18.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
    try:
        now = session.now("dev", impact, None)
        assert now.problem
        assert text_of(now.lines()[0]).startswith("? unknown: ")
    finally:
        pg18.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
