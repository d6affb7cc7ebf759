"""A shorter form of `make faults`: the beginning, a script that is no transaction, and a few points of each fault."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator

import pytest

from pgmig_tui.sandbox.installation import find_installations
from tests.faults import faults, more, pools, standbys
from tests.faults.__main__ import matrix
from tests.faults.bench import Bench, Fault, table
from tests.faults.proxy import Proxy
from tests.faults.quick import SETTINGS, QuickServer, quick_folder
from tests.servers import server_of

CHANGES = (0, 17, 18)
"""Nothing is deployed · next comes an index built concurrently · that is to be taken back."""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[QuickServer]:
    """A server of our own, for it will be killed."""
    installation = next(one for one in find_installations() if one.major == 18)
    folder = quick_folder()
    server = QuickServer(folder / "server", installation, settings=SETTINGS)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def proxy(sandbox: QuickServer) -> Iterator[Proxy]:
    made = Proxy(sandbox.socket_dir)
    yield made
    made.close()


@pytest.fixture(scope="module")
def bench(sandbox: QuickServer, proxy: Proxy) -> Bench:
    server = server_of(sandbox.conninfo("postgres"), sandbox.installation.bin_dir)
    state = sandbox.folder.with_name("state")
    state.mkdir()
    made = Bench(server, state)
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
        (lambda sandbox, proxy: more.HostileSettings(), 70),
        (lambda sandbox, proxy: more.ForgetfulServer(sandbox), 70),
        (lambda sandbox, proxy: more.HiddenRegistry(), 70),
        (lambda sandbox, proxy: more.RecreatedDatabase(), 70),
        (lambda sandbox, proxy: more.CopiedDatabase(), 70),
        (lambda sandbox, proxy: pools.KilledBehindPool(sandbox, proxy), 14),
        (lambda sandbox, proxy: pools.KilledPool(sandbox, proxy), 14),
        (lambda sandbox, proxy: pools.TurnedPool(sandbox, proxy, "transaction"), 10),
        (lambda sandbox, proxy: standbys.GoneStandby(sandbox), 15),
        (lambda sandbox, proxy: more.Pair(more.Killed(), faults.LostServer(sandbox)), 14),
    ],
    ids=[
        "run", "screen", "session", "control", "cut", "disk", "backend", "server", "server-later", "standby",
        "settings", "forgetful", "hidden", "recreated", "copied", "pool", "pool-killed", "pool-turned", "standby-gone",
        "pair",
    ],
)  # fmt: skip
def test_the_truth_is_found_out_after(
    bench: Bench, sandbox: QuickServer, proxy: Proxy, made: Callable[[QuickServer, Proxy], Fault], every: int
) -> None:
    trials = matrix(bench, made(sandbox, proxy), every)
    assert trials
    assert not [one for one in trials if one.problems], table(trials)
