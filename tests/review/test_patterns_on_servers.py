"""Each pattern on real servers: deploy, verify, revert, and deploy again, with the schema compared at each step."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

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
from tests.review.pattern_cases import BASE, CASES, ITEMS, ROWS, Case, awkward, changes_of, project
from tests.servers import Server

WORKS = re.compile("(verifying|rewriting) table").search
"""What the server says at debug1 of an ALTER TABLE that goes through the rows."""


class Bench:
    """A database, with a session that runs scripts and one that looks at the schema."""

    def __init__(self, server: Server, name: str) -> None:
        self.major = server.version_num // 10000
        self.session = psycopg.connect(server.conninfo(name), autocommit=True)
        self.session.execute("SET client_min_messages = debug1")
        self.told: list[str] = []
        self.session.add_notice_handler(lambda notice: self.told.append(notice.message_primary or ""))
        self.worked: list[tuple[str, str]] = []
        """Statements, other than VALIDATE, that have read or written a whole table, with what the server says of it."""
        where = Endpoint("the target", {**server.parameters, "dbname": name})
        self.looking: Connection = connect(where, application_name="pgmig/test")

    def begin(self, case: Case) -> None:
        self.worked.clear()
        self.session.execute('DROP SCHEMA IF EXISTS "Shop é" CASCADE')
        self.session.execute((BASE + ROWS + case.rows).encode())

    def run(self, change: NewChange, kind: str, until: str = "") -> None:
        """A script as psql runs it, statement by statement, or up to one with these words. Raises psycopg.Error at the
        first that fails."""
        view = preview(kind, change.scripts[kind], MemoryFiles({}), {}, Allow(), ServerFacts(180000, "db", "user"))
        assert not view.findings
        try:
            for one in view.statements:
                self.told.clear()
                self.session.execute(one.text.encode())
                if "VALIDATE CONSTRAINT" not in one.text and b"allow type-change-rewrite" not in change.scripts[kind]:
                    self.worked += [(one.text, told) for told in self.told if WORKS(told)]
                if until and until in one.text:
                    break
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

    def write(self, sql: str) -> None:
        self.session.execute(sql.encode())

    def amounts(self) -> dict[int, int]:
        """Those of some items, by their keys."""
        found = self.session.execute(f"SELECT id, amount FROM {ITEMS} WHERE id < 3 OR id > 20 ORDER BY id".encode())
        return dict(found.fetchall())

    def close(self) -> None:
        self.session.close()
        self.looking.close()


@pytest.fixture(scope="module", params=[15, 16, 18])
def bench(request: pytest.FixtureRequest, serve: Callable[[int], Server]) -> Iterator[Bench]:
    server = serve(request.param)
    name = server.create_database("TEMPLATE template0")
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
    each_step = bench.major != 16  # on the oldest and the newest; in between the first and the last are compared
    schemas = [bench.schema()]
    for number, one in enumerate(changes):
        assert not bench.verifies(one), "it passes where its change is absent"
        bench.run(one, "deploy")
        for earlier in changes[: number + 1]:
            assert bench.verifies(earlier), f"{earlier.name} after {one.name}"
        schemas.append(bench.schema() if each_step or one is changes[-1] else {})
    for number, one in reversed(list(enumerate(changes))):
        bench.run(one, "revert")
        if each_step or number == 0:
            left = changed(schemas[number], bench.schema())
            assert [each for each in left if number == 0 or each[0] != "column order"] == [], one.name
        stays = b"RAISE NOTICE" in one.scripts["revert"]  # it says that rows keep what they got
        assert bench.verifies(one) == stays, f"{one.name} after its revert"
        for earlier in changes[:number]:
            assert bench.verifies(earlier), f"{earlier.name} after the revert of {one.name}"
    for one in changes:
        bench.run(one, "deploy")
        assert bench.verifies(one)
    assert changed(schemas[-1], bench.schema()) == []
    assert bench.worked == []


def test_what_works_on_a_table_is_seen(bench: Bench, shop: Project) -> None:
    """Or the look at it would prove nothing."""
    case = next(one for one in CASES if one.pattern == "not-null" and "fill" not in one.texts)
    bench.begin(case)
    bench.run(changes_of(shop, case)[-1], "deploy", until="SET NOT NULL")
    assert [told for _, told in bench.worked] == ['verifying table "Order Items"']


def test_what_is_written_meanwhile_is_there_on_both_ways(bench: Bench, shop: Project) -> None:
    """While a column changes its type, and behind a table that has another name."""
    by_name = {str(one): one for one in CASES}
    case = by_name["0004_retype_order_items_amount_end"]
    bench.begin(case)
    beside, filled, swap, end = changes_of(shop, case)
    bench.run(beside, "deploy")
    bench.write(f"INSERT INTO {ITEMS} (id, amount) VALUES (100, 7)")
    bench.write(f"UPDATE {ITEMS} SET amount = 8 WHERE id = 2")
    for one in (filled, swap):
        bench.run(one, "deploy")
    assert bench.amounts() == {1: 100, 2: 800, 100: 700}
    bench.write(f"UPDATE {ITEMS} SET amount = 900 WHERE id = 2")
    bench.run(end, "deploy")
    bench.write(f"INSERT INTO {ITEMS} (id, amount) VALUES (101, 1000)")
    bench.run(end, "revert")
    bench.write(f"INSERT INTO {ITEMS} (id, amount) VALUES (102, 1100)")
    bench.run(swap, "revert")
    assert bench.amounts() == {1: 1, 2: 9, 100: 7, 101: 10, 102: 11}
    case = by_name["0002_rename_order_items_to_ore_end"]
    bench.begin(case)
    bench.run(changes_of(shop, case)[0], "deploy")
    bench.write(f"INSERT INTO {ITEMS} (id, amount) VALUES (100, 7)")
    bench.write(f"DELETE FROM {ITEMS} WHERE id = 2")
    bench.run(changes_of(shop, case)[0], "revert")
    assert bench.amounts() == {1: 1, 100: 7}


@pytest.fixture(scope="module")
def awkward_shop(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return project(tmp_path_factory.mktemp("patterns") / "awkward", awkward(BASE))


@pytest.mark.parametrize("bench", [18], indirect=True)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_pattern_works_with_the_most_awkward_names(bench: Bench, awkward_shop: Project, case: Case) -> None:
    texts = {name: awkward(text) for name, text in case.texts.items()}
    bench.write(awkward('DROP SCHEMA IF EXISTS "Shop é" CASCADE;' + BASE + ROWS + case.rows))
    changes = changes_of(awkward_shop, replace(case, texts=texts))
    for one in changes:
        assert not bench.verifies(one)
        bench.run(one, "deploy")
        assert bench.verifies(one)
    for one in reversed(changes):
        bench.run(one, "revert")
