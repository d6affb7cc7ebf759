"""Each pattern on real servers: deploy, verify, revert, and deploy again, with the schema compared at each step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import psycopg
import pytest

from pgmig_tui.database.connect import Connection, connect
from pgmig_tui.database.fingerprint import changed, read_objects
from pgmig_tui.project.author.drafted import NewChange
from pgmig_tui.project.project import Project
from pgmig_tui.run.journal.run_plan import Endpoint
from pgmig_tui.script.actions import ServerFacts
from pgmig_tui.script.files import Allow
from pgmig_tui.script.preview import preview
from tests.memory_files import MemoryFiles
from tests.review.pattern_cases import BASE, CASES, ROWS, Case, changes_of, project
from tests.servers import Server


class Bench:
    """A database, with a session that runs scripts and one that looks at the schema."""

    def __init__(self, server: Server, name: str) -> None:
        self.session = psycopg.connect(server.conninfo(name), autocommit=True)
        where = Endpoint("the target", {**server.parameters, "dbname": name})
        self.looking: Connection = connect(where, application_name="pgmig/test")

    def begin(self, case: Case) -> None:
        self.session.execute('DROP SCHEMA IF EXISTS "Shop é" CASCADE')
        self.session.execute((BASE + ROWS + case.rows).encode())

    def run(self, change: NewChange, kind: str) -> None:
        """A script as psql runs it, statement by statement. Raises psycopg.Error at the first that fails."""
        view = preview(kind, change.scripts[kind], MemoryFiles({}), {}, Allow(), ServerFacts(180000, "db", "user"))
        assert not view.findings
        try:
            for one in view.statements:
                self.session.execute(one.text.encode())
        finally:
            if self.session.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
                self.session.execute("ROLLBACK")

    def verifies(self, change: NewChange) -> bool:
        try:
            self.run(change, "verify")
        except psycopg.Error:
            return False
        return True

    def schema(self) -> Mapping[tuple[str, str], str]:
        return read_objects(self.looking)

    def close(self) -> None:
        self.session.close()
        self.looking.close()


@pytest.fixture(scope="module", params=[15, 16, 18])
def bench(request: pytest.FixtureRequest, serve: Callable[[int], Server]) -> Iterator[Bench]:
    server = serve(request.param)
    name = server.create_database()
    found = Bench(server, name)
    yield found
    found.close()
    server.drop_database(name)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return project(tmp_path_factory.mktemp("patterns") / "shop")


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_pattern_goes_there_and_back(bench: Bench, shop: Project, case: Case) -> None:
    bench.begin(case)
    changes = changes_of(shop, case)
    schemas = [bench.schema()]
    for number, one in enumerate(changes):
        assert not bench.verifies(one), "it passes where its change is absent"
        bench.run(one, "deploy")
        for earlier in changes[: number + 1]:
            assert bench.verifies(earlier), f"{earlier.name} after {one.name}"
        schemas.append(bench.schema())
    for number, one in reversed(list(enumerate(changes))):
        bench.run(one, "revert")
        assert changed(schemas[number], bench.schema()) == [], one.name
        stays = b"RAISE NOTICE" in one.scripts["revert"]  # it says that rows keep what they got
        assert bench.verifies(one) == stays, f"{one.name} after its revert"
        for earlier in changes[:number]:
            assert bench.verifies(earlier), f"{earlier.name} after the revert of {one.name}"
    for one in changes:
        bench.run(one, "deploy")
        assert bench.verifies(one)
    assert changed(schemas[-1], bench.schema()) == []
