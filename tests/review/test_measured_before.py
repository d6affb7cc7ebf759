"""What a script took where it was deployed before stands beside its estimate, and isn't told where nobody knows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pgmig_tui.ui.backend.project import ProjectSession
from pgmig_tui.ui.backend.protocol import ImpactFacts
from tests.cli.program import environment, shop
from tests.servers import Server


def test_the_time_in_the_environment_before_is_told(
    tmp_path: Path, pg18: Server, database: str, database_on: Callable[..., str]
) -> None:
    checkout = shop(tmp_path, {"alpha": pg18.uri(database), "beta": pg18.uri(database_on(pg18))})
    assert checkout.run("deploy", "alpha", "--yes").status == 0
    assert checkout.run("deploy", "beta", "--yes", "--to", "schema").status == 0
    session = ProjectSession(checkout.root, environment(checkout.home))
    ids = {one.name: one.change_id for one in session.facts.plan}

    def told(change: str, where: str) -> tuple[str, ...]:
        heard: list[ImpactFacts] = []
        return session.impact(ids[change], "deploy", where, live=True, so_far=heard.append).measured

    (total,) = told("total", "beta")
    assert total.startswith("measured before, the whole script: ")
    assert total.endswith(" in alpha")
    (both,) = told("schema", "beta")
    assert both.count(" in ") == 2, "where it was deployed before, and here"

    pg18.execute(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS false')
    assert told("total", "beta") == (), "who doesn't answer tells nothing, and stops nothing"
