"""A shorter form of `make faults`: the beginning, a script that is no transaction, and a few points of each fault."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pgmig_tui.sandbox.server import SandboxServer, find_installations
from tests.conftest import TEST_SETTINGS
from tests.faults import faults
from tests.faults.__main__ import matrix
from tests.faults.bench import Bench, Fault, table
from tests.faults.proxy import Proxy
from tests.servers import server_of

CHANGES = (0, 17, 18)
"""Nothing is deployed · next comes an index built concurrently · that is to be taken back."""


@pytest.fixture(scope="module")
def sandbox(server_folder: Path) -> Iterator[SandboxServer]:
    """A server of our own, for it will be killed."""
    installation = next(one for one in find_installations() if one.major == 18)
    server = SandboxServer(server_folder / "faults", installation, settings=TEST_SETTINGS)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def proxy(sandbox: SandboxServer) -> Iterator[Proxy]:
    made = Proxy(sandbox.socket_dir)
    yield made
    made.close()


@pytest.fixture(scope="module")
def bench(sandbox: SandboxServer, proxy: Proxy, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    server = server_of(sandbox.conninfo("postgres"), sandbox.installation.bin_dir)
    made = Bench(server, tmp_path_factory.mktemp("state"))
    made.build(lambda number: number in CHANGES)
    made.uri = lambda name: f"db:pg://postgres@127.0.0.1:{proxy.port}/{name}"
    return made


@pytest.mark.parametrize(
    ("made", "every"),
    [
        (lambda sandbox, proxy: faults.KilledRun(), 5),
        (lambda sandbox, proxy: faults.KilledScreen(), 11),
        (lambda sandbox, proxy: faults.EndedBackend(), 11),
        (lambda sandbox, proxy: faults.EndedControl(), 11),
        (lambda sandbox, proxy: faults.CutConnection(proxy), 11),
        (lambda sandbox, proxy: faults.FullDisk(), 11),
        (lambda sandbox, proxy: faults.KilledBackend(sandbox), 25),
        (lambda sandbox, proxy: faults.StoppedServer(sandbox), 25),
        (lambda sandbox, proxy: faults.LostServer(sandbox), 25),
        (lambda sandbox, proxy: faults.PromotedStandby(sandbox, proxy, sandbox.folder.with_name("standby")), 50),
    ],
    ids=["run", "screen", "session", "control", "cut", "disk", "backend", "server", "server-later", "standby"],
)
def test_the_truth_is_found_out_after(
    bench: Bench, sandbox: SandboxServer, proxy: Proxy, made: Callable[[SandboxServer, Proxy], Fault], every: int
) -> None:
    trials = matrix(bench, made(sandbox, proxy), every)
    assert trials
    assert not [one for one in trials if one.problems], table(trials)
