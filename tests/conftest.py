"""What every test may use: real PostgreSQL servers, databases on them, and the real sqitch."""

from __future__ import annotations

import gc
import os
import re
import shutil
import signal
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings

from pgmig_tui.sandbox.installation import SUPPORTED
from pgmig_tui.sandbox.server import Installation, SandboxServer
from tests import forks, memory, trap_set
from tests.installations import clients_of, installation_of
from tests.servers import Server, running_server, server_of

# Started in the background by a shell, we would be deaf to Ctrl-C, and so would the programs that tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

forks.install()
memory.use()

# What is collected stays to the end: walking through all of it again and again was a third of the collection, and some
# of each test with a screen. See pytest_collection_finish.
gc.disable()

# How long an example takes says how busy the machine is, not whether it is right.
settings.register_profile("pgmig", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("pgmig")

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)
IN_CI = bool(os.environ.get("CI"))

# Tests lose nothing worth an fsync; benchmarks and the demo run with the server's own, safe settings.
TEST_SETTINGS = {"fsync": "off", "max_connections": "200", "max_prepared_transactions": "10"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--server", type=int, metavar="MAJOR", help="run all tests on this version of PostgreSQL instead")


def installed(major: int) -> Installation:
    """The programs of that version, or the test is skipped."""
    if installation := installation_of(major):
        return installation
    pytest.skip(f"PostgreSQL {major} is not installed here")


@contextmanager
def _serve(major: int, folder: Path) -> Iterator[Server]:
    installation = installed(major)
    if running := running_server(major):
        yield server_of(running, clients_of(installation))
        return
    sandbox = SandboxServer(folder, installation, settings=TEST_SETTINGS)
    try:
        sandbox.start()
        yield server_of(sandbox.conninfo("postgres"), clients_of(installation))
    finally:
        sandbox.stop()


@pytest.fixture(scope="session")
def server_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where this process keeps its servers. Not under pytest's own folder, which only its owner may enter: as root the
    servers run as another account."""
    from pgmig_tui.sandbox.server import scratch_folder

    folder = scratch_folder()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def major_for(pytestconfig: pytest.Config) -> Callable[[int], int]:
    """`major_for(major) -> major`: the one that --server asks for instead."""
    return lambda major: pytestconfig.getoption("server") or major


@pytest.fixture(scope="session")
def serve(server_folder: Path, major_for: Callable[[int], int]) -> Iterator[Callable[..., Server]]:
    """`serve(major) -> Server`: one server of each version, started when it is first asked for. With `exactly` --server
    doesn't matter."""
    with ExitStack() as running:
        started: dict[int, Server] = {}

        def serve(major: int, *, exactly: bool = False) -> Server:
            major = major if exactly else major_for(major)
            if major not in started:
                server = running.enter_context(_serve(major, server_folder / str(major)))
                traps = trap_set.Traps(server)
                running.callback(traps.check)
                started[major] = replace(server, template=traps.template)
            return started[major]

        yield serve


@pytest.fixture(scope="session")
def pg18(serve: Callable[[int], Server]) -> Server:
    return serve(18)


@pytest.fixture(scope="session")
def pg16(serve: Callable[[int], Server]) -> Server:
    return serve(16)


@pytest.fixture(scope="session")
def pg15(serve: Callable[[int], Server]) -> Server:
    """PostgreSQL 15 as Debian packages it: there is no wheel of it."""
    return serve(15)


@pytest.fixture(scope="session", params=[16, 18])
def pg(request: pytest.FixtureRequest, serve: Callable[[int], Server]) -> Server:
    """The oldest and the newest version that wheels carry, one after the other."""
    return serve(request.param)


@pytest.fixture(scope="session", params=SUPPORTED)
def any_pg(request: pytest.FixtureRequest, serve: Callable[[int], Server]) -> Server:
    """Every version that we support, one after the other."""
    return serve(request.param)


@pytest.fixture
def database_on() -> Iterator[Callable[..., str]]:
    """`database_on(server, options="") -> name`: fresh empty databases, dropped when the test ends."""
    made: list[tuple[Server, str]] = []

    def make(server: Server, options: str = "") -> str:
        name = server.create_database(options)
        made.append((server, name))
        return name

    yield make
    for server, name in made:
        server.drop_database(name)


@pytest.fixture
def database(pg18: Server, database_on: Callable[..., str]) -> str:
    """A fresh empty database on PostgreSQL 18."""
    return database_on(pg18)


FIRST = (
    "test_lists.py", "test_claims.py", "test_taking_turns.py", "test_reading.py", "test_strangers_code.py",
    "test_review_screen.py", "test_projects_together.py", "test_screen.py", "test_words.py", "test_failures.py",
)  # fmt: skip
"""Files of which each keeps a worker busy for minutes: one that came last would keep all others waiting."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name not in FIRST)
    if config.getoption("server"):
        first = {_whatever_version(item): item for item in reversed(items)}
        kept = set(first.values())
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = [item for item in items if item in kept]


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    gc.enable()


def _whatever_version(item: pytest.Item) -> tuple[object, ...]:
    """What a test is called where all versions are one: it runs once then, not once for each of them."""
    if not isinstance(item, pytest.Function) or not hasattr(item, "callspec"):
        return (item.nodeid,)
    values = ((name, re.sub(r"^(pg)?1[3-8]\b", "", str(value))) for name, value in item.callspec.params.items())
    return (item.parent and item.parent.nodeid, item.originalname, *sorted(values))


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("sqitch") and not shutil.which("sqitch"):
        pytest.skip("the real sqitch is not installed here")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, bool | None, bool | None]:
    forks.FORKS.wanted = item.get_closest_marker("own_start") is None
    return (yield)


def pytest_unconfigure() -> None:
    forks.FORKS.stop()
    forks.SQITCH.stop()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return _run_in_ci((yield), item.name)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _run_in_ci((yield), collector.name)


def _run_in_ci(report: Report, name: str) -> Report:
    """In CI everything that tests need is there: a test that skips itself there would be a test that never runs."""
    if IN_CI and report.outcome == "skipped":
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {report.longrepr[2] if isinstance(report.longrepr, tuple) else name}"
    return report
