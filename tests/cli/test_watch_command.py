"""`watch` on a real server that counts its statements: what a deploy does to those on what it has changed."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pgmig_tui.cli.watch import _look
from pgmig_tui.database.connect import connect
from pgmig_tui.database.sampling import Interval, between, find_statements, read_sample
from pgmig_tui.errors import Refused
from pgmig_tui.project.project import load_project
from pgmig_tui.review.before import sample_before
from pgmig_tui.review.kept_intervals import keep, read_kept
from pgmig_tui.review.watch_picture import POINTS
from pgmig_tui.review.watching import EnvironmentWatch
from pgmig_tui.run.journal.run_plan import Endpoint
from pgmig_tui.ui.backend.deploy_watch import EnvironmentDeployWatch
from tests.cli.program import Checkout, environment, shop
from tests.conftest import TEST_SETTINGS, installed
from tests.servers import Server, server_of

ROWS = 20_000
SETUP = f"""
CREATE EXTENSION pg_stat_statements;
CREATE SCHEMA app;
CREATE TABLE app.orders AS SELECT g AS id, g % 1000 AS customer FROM generate_series(1, {ROWS}) g;
CREATE TABLE app.customers AS SELECT g AS id, g % 1000 AS region FROM generate_series(1, {ROWS}) g;
CREATE VIEW app.open_orders AS SELECT id, customer FROM app.orders WHERE id > 0;
CREATE INDEX orders_customer ON app.orders (customer); CREATE INDEX customers_region ON app.customers (region);
ANALYZE app.orders, app.customers;
"""
USUAL = (
    *("SELECT count(*) FROM app.open_orders WHERE customer = 7",) * 3,
    "SELECT count(*) FROM app.open_orders WHERE id % 7 = 3",
    "SELECT count(*) FROM app.customers WHERE region = 7",
    "SELECT count(*) FROM app.customers WHERE id % 7 = 3",
)
"""What users ask all the time: of what will be changed, through a view, and of another table."""
LONG = tuple(
    f"SELECT count(*) FROM app.{table}, generate_series(1, 10) WHERE id % 7 = 3" for table in ("orders", "customers")
)
"""Longer than the system lets one process run while others want to."""
BY_INDEX = (USUAL[0], *USUAL[4:], LONG[1])
"""Nothing else of what will be changed: how much slower it is must stand out of what a busy machine does to all."""
FAILING = "SELECT nothing_of_that_name FROM app.orders"
BUSY = "SELECT sum(sqrt(g)) FROM generate_series(1, 300000) g"


@pytest.fixture(scope="module")
def counting(server_folder: Path, major_for: Callable[[int], int]) -> Iterator[Server]:
    """A server that counts statements."""
    from pgmig_tui.sandbox.server import SandboxServer

    installation = installed(major_for(18))
    settings = {**TEST_SETTINGS, "shared_preload_libraries": "pg_stat_statements"}
    server = SandboxServer(server_folder / "counting", installation, settings=settings)
    server.start()
    try:
        yield server_of(server.conninfo("postgres"), installation.bin_dir)
    finally:
        server.stop()


@contextmanager
def load(server: Server, database: str, *queries: str, sessions: int = 1) -> Iterator[None]:
    """Sessions that ask these one after the other until it is over."""
    over = threading.Event()

    def ask() -> None:
        with psycopg.connect(server.conninfo(database), autocommit=True) as connection:
            while not over.is_set():
                for query in queries:
                    with contextlib.suppress(psycopg.errors.UndefinedColumn):
                        connection.execute(query.encode())

    threads = [threading.Thread(target=ask) for _ in range(sessions)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


@contextmanager
def usual(server: Server, database: str, *asked: str) -> Iterator[None]:
    with load(server, database, *(asked or USUAL)), load(server, database, *(asked or LONG)):
        yield


@contextmanager
def deployed(server: Server, folder: Path, script: str, *asked: str) -> Iterator[tuple[Checkout, str]]:
    """Watched for a while, then a change with that script was deployed."""
    name = server.create_database()
    with psycopg.connect(server.conninfo(name), autocommit=True) as connection:
        connection.execute(SETUP.encode())
    made = shop(folder, {"dev": server.uri(name)})
    made.plan("change {at} # The change")
    made.change("change", script)
    watch_baseline(made, server, name, *asked)
    done = made.run("deploy", "dev", "--yes")
    assert done.status == 0, done.err
    yield made, name
    server.drop_database(name)


@pytest.fixture(scope="module")
def checkout(counting: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Checkout, str]]:
    """A change that makes nothing slower."""
    with deployed(counting, tmp_path_factory.mktemp("watch"), "COMMENT ON TABLE app.orders IS 'orders';") as made:
        yield made


def watch_baseline(checkout: Checkout, server: Server, database: str, *asked: str) -> None:
    with usual(server, database, *asked):
        done = checkout.run("watch", "dev", "--baseline", "--interval", "60ms", "--for", "3s")
    assert done.status == 0, done.err
    assert "intervals kept" in done.err


def watched(checkout: Checkout, *more: str) -> dict[str, Any]:
    done = checkout.run("watch", "dev", "--json", *(more or ("--interval", "60ms", "--for", "3s")))
    found = json.loads(done.out)
    assert done.status == (0 if found["verdict"] == "healthy" else 1), done.err
    return dict(found)


def test_a_change_that_makes_nothing_slower_is_healthy(checkout: tuple[Checkout, str], counting: Server) -> None:
    project, database = checkout
    with usual(counting, database):
        found = watched(project)
    # Where other tests keep the machine busier than before, that is told, and not blamed on the change.
    assert found["verdict"] in ("healthy", "slower server-wide"), found
    assert found["changed"]["calls"] > 30


def test_what_slows_the_whole_server_is_told_as_that(checkout: tuple[Checkout, str], counting: Server) -> None:
    """Every statement starts a process of its own, whatever it reads."""
    project, database = checkout
    setting = "debug_parallel_query" if counting.version_num >= 160000 else "force_parallel_mode"
    counting.execute(f"ALTER DATABASE {database} SET {setting} = on")
    try:
        with usual(counting, database):
            found = watched(project)
    finally:
        counting.execute(f"ALTER DATABASE {database} RESET {setting}")
    assert found["verdict"] == "slower server-wide", found


def test_a_busy_processor_is_not_blamed_on_the_change(checkout: tuple[Checkout, str], counting: Server) -> None:
    """How much it slows depends on what else the machine did before."""
    project, database = checkout
    with load(counting, database, BUSY, sessions=4 * (os.cpu_count() or 1)), usual(counting, database):
        found = watched(project)
    assert found["verdict"] in ("healthy", "slower server-wide", "too little data"), found


def test_statements_that_fail_are_errors(checkout: tuple[Checkout, str], counting: Server) -> None:
    project, database = checkout
    with usual(counting, database), load(counting, database, FAILING):
        found = watched(project)
    assert found["verdict"] == "errors", found
    assert "transactions were rolled back" in found["reasons"][0]


def test_where_nobody_asks_nothing_is_known(checkout: tuple[Checkout, str]) -> None:
    found = watched(checkout[0])
    assert found["verdict"] == "too little data", found
    assert "30 on each side are needed" in found["reasons"][0]


def test_an_index_that_was_dropped_slows_what_reads_its_table(counting: Server, tmp_path: Path) -> None:
    with deployed(counting, tmp_path, "DROP INDEX app.orders_customer;", *BY_INDEX) as (project, name):
        with usual(counting, name, *BY_INDEX):
            found = watched(project)
        kept = found["intervals_before"]
        assert found["verdict"] == "slower by this change", found
        assert any("open_orders" in one["query"] for one in found["slowest"]), "a view is read"
        assert found["server_log"]["state"] == "UNKNOWN"
        assert "keeps no log that it could show" in found["server_log"]["why"]
        done = project.run("watch", "dev", "--interval", "50ms", "--for", "500ms")
        assert done.status == 1
        assert "? dev: too little data" in done.out
        project.plan("change {at} # The change", "more {at} # One more")
        project.change("more", "COMMENT ON TABLE app.orders IS 'more';")
        assert project.run("deploy", "dev", "--yes").status == 0
        found = watched(project, "--interval", "50ms", "--for", "200ms")
        assert 0 < found["intervals_before"] <= kept, "the trouble after the last one is no time before"


def test_without_its_extension_or_a_deploy_nothing_is_known(
    checkout: tuple[Checkout, str], counting: Server, tmp_path: Path
) -> None:
    other = counting.create_database()
    project = shop(tmp_path, {"dev": counting.uri(other)})
    done = project.run("watch", "dev", "--interval", "50ms", "--for", "100ms")
    assert done.status == 1, done.err
    assert "too little data" in done.out
    assert "no deploy is known" in done.out
    for why in ("no deploy is known", "the extension pg_stat_statements isn't there", "nobody watched before"):
        assert why in done.err, "said before the first interval, all of it"
    assert project.run("deploy", "dev", "--yes").status == 0
    done = project.run("watch", "dev", "--interval", "50ms", "--for", "100ms", "--json-lines")
    *rest, last = [json.loads(text) for text in done.out.splitlines()]
    assert [one["rollbacks"] for one in rest] == [0] * len(rest)
    assert last["reasons"] == ["the extension pg_stat_statements isn't there: CREATE EXTENSION pg_stat_statements"]
    counting.drop_database(other)


def test_a_view_of_that_name_is_not_asked(counting: Server, tmp_path: Path) -> None:
    """Whoever may create in a schema can make one, with functions of his own in it."""
    other = counting.create_database()
    counting.execute(
        "CREATE VIEW public.pg_stat_statements AS"
        " SELECT 1 AS userid, 1 AS dbid, 'x' AS query, 1/0 AS calls, 1.0 AS total_exec_time",
        other,
    )
    project = shop(tmp_path, {"dev": counting.uri(other)})
    assert project.run("deploy", "dev", "--yes").status == 0
    done = project.run("watch", "dev", "--interval", "50ms", "--for", "100ms")
    assert "the extension pg_stat_statements isn't there" in done.out, done.out + done.err
    counting.drop_database(other)


def test_a_password_that_was_set_meanwhile_is_not_kept(
    checkout: tuple[Checkout, str], counting: Server, tmp_path: Path
) -> None:
    """Utility commands come with their constants."""
    where = Endpoint("the target", {**counting.parameters, "dbname": checkout[1]})
    with connect(where, application_name="pgmig/test") as connection:
        statements = find_statements(connection)
        before = read_sample(connection, statements)
        counting.execute("ALTER ROLE postgres PASSWORD 'canary-4711'", checkout[1])
        found = between(before, read_sample(connection, statements))
    assert isinstance(found, Interval)
    keep(tmp_path / "kept", found)
    kept = (tmp_path / "kept").read_text()
    assert "ALTER ROLE postgres PASSWORD '***'" in kept
    assert "canary-4711" not in kept
    assert (tmp_path / "kept").stat().st_mode & 0o077 == 0


def test_a_server_that_is_gone_is_waited_for_and_counters_that_begin_anew_are_told(
    checkout: tuple[Checkout, str], counting: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    project = load_project(checkout[0].root, environment(checkout[0].home))
    (where,) = [one for one in project.environments if one.name == "dev"]
    once = Namespace(duration=0, interval=1, json=False, json_lines=False)
    watching = EnvironmentWatch(project, where, state_dir=checkout[0].home / "state" / "pgmig-tui")
    name = checkout[1]
    try:
        watching.look()
        counting.execute("SELECT pg_stat_statements_reset()", name)
        _look(once, watching)
        assert "pg_stat_statements was reset at " in capsys.readouterr().err
        counting.execute(
            f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false;'
            f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'"
        )
        _look(once, watching)
        assert ", it is waited for: " in capsys.readouterr().err
        _look(once, watching)
        assert capsys.readouterr().err == "", "it is said once"
        assert "not currently accepting connections" in watching.lost
        counting.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        _look(once, watching)
        assert (watching.lost, len(watching.found.after)) == ("", 1)
    finally:
        watching.close()


def test_what_was_kept_meanwhile_is_compared_with_on_the_screen(
    checkout: tuple[Checkout, str], counting: Server, tmp_path: Path
) -> None:
    """As a review does it while somebody reads; the screen's own watch goes on with what was kept since the deploy."""
    project = load_project(checkout[0].root, environment(checkout[0].home))
    (where,) = [one for one in project.environments if one.name == "dev"]
    state_dir = checkout[0].home / "state" / "pgmig-tui"
    told: list[int] = []
    why = sample_before(project, where, tmp_path, lambda: bool(told) and told[-1] >= 2, told.append, every_s=0.02)
    assert (why, told) == ("", [1, 2])
    (kept,) = (tmp_path / "watch").iterdir()
    assert len(read_kept(kept, 0)[0]) == 2
    watch = EnvironmentDeployWatch(project, where, state_dir, "")
    with usual(counting, checkout[1]):
        watch.look()
        picture = watch.look()
    watch.close()
    assert picture.before > 0
    assert 0 < len(picture.points) == min(picture.after, POINTS)
    assert picture.usual is not None
    with pytest.raises(Refused):
        watch.look()
