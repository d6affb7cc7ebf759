"""The whole matrix, thousands of points: `python -m tests.faults`, which `make faults` runs. `--fault` chooses.

It takes about an hour on two cores with `--jobs 2`.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from pgmig_tui.sandbox.installation import find_installations
from tests.faults import ended, faults, more, pools, standbys
from tests.faults.bench import Bench, Direction, Fault, Trial, table
from tests.faults.proxy import Proxy
from tests.faults.quick import SETTINGS, QuickServer, quick_folder
from tests.faults.stopping import Point
from tests.servers import server_of


def main() -> int:
    parser = argparse.ArgumentParser(prog="make faults")
    parser.add_argument(
        "--fault", action="append", default=[], metavar="TEXT", help="only the faults whose name holds this, or another"
    )
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every Nth transition")
    parser.add_argument("--changes", default="", metavar="N,N", help="only runs that begin with so many changes")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="so many at once, each with its own server")
    arguments = parser.parse_args()
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # started in the background, and programs would inherit it
        signal.signal(signal.SIGINT, signal.default_int_handler)
    begun = time.monotonic()
    with ProcessPoolExecutor(arguments.jobs) as pool:
        trials = [one for some in pool.map(partial(share, arguments), range(arguments.jobs)) for one in some]
    print(f"\n{table(trials)}")
    wrong = [one for one in trials if one.problems]
    print(f"{len(trials)} fault points in {time.monotonic() - begun:.0f} s, {len(wrong)} wrong")
    return 1 if wrong else 0


def share(arguments: argparse.Namespace, job: int) -> list[Trial]:
    """What one of the jobs tries: every Nth of the transitions, on a server of its own."""
    installation = find_installations()[0]
    folder = quick_folder()
    state = folder / "state"
    state.mkdir()
    sandbox = QuickServer(folder / "server", installation, settings=SETTINGS)
    begun = time.monotonic()
    trials: list[Trial] = []
    try:
        sandbox.start()
        bench = Bench(server_of(sandbox.conninfo("postgres"), installation.bin_dir), state)
        wanted = {int(one) for one in arguments.changes.split(",") if one}
        bench.build(lambda number: not wanted or number in wanted)
        print(f"PostgreSQL {installation.version}; built in {time.monotonic() - begun:.0f} s", flush=True)
        proxy = Proxy(sandbox.socket_dir)
        for fault in every_fault(bench, sandbox, proxy):
            if chosen(arguments, fault.name):
                some = matrix(bench, fault, arguments.every * arguments.jobs, first=arguments.every * job)
                trials += told(some, begun)
        for command in ended.COMMANDS:
            if chosen(arguments, f"{command} cut off"):
                trials += told(list(ended.trials(bench, command, arguments.every, arguments.jobs, job)), begun)
    finally:
        sandbox.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return trials


def chosen(arguments: argparse.Namespace, name: str) -> bool:
    return not arguments.fault or any(one in name for one in arguments.fault)


def told(trials: list[Trial], begun: float) -> list[Trial]:
    print(table(trials), f" ({time.monotonic() - begun:.0f} s)", flush=True)
    return trials


def every_fault(bench: Bench, sandbox: QuickServer, proxy: Proxy) -> list[Fault]:
    bench.uri = lambda name: f"db:pg://postgres@127.0.0.1:{proxy.port}/{name}"
    return [
        faults.KilledRun(),
        faults.KilledScreen(),
        faults.EndedBackend(),
        faults.EndedControl(),
        faults.CutConnection(proxy),
        faults.FullDisk(),
        faults.KilledBackend(sandbox),
        faults.StoppedServer(sandbox),
        faults.LostServer(sandbox),
        faults.PromotedStandby(sandbox, proxy, sandbox.folder.with_name("standby")),
        *more.surroundings(sandbox),
        *pools.pools(sandbox, proxy),
        standbys.GoneStandby(sandbox),
        *more.pairs(sandbox, proxy),
    ]


def points(bench: Bench) -> list[tuple[Direction, int, int]]:
    """(direction, changes before, event) of every transition: of the first step of each run of two, and of the way into
    the second; once also of the way to the first."""
    found: list[tuple[Direction, int, int]] = []
    for (direction, number), events in bench.transitions.items():
        whole = number in (0, bench.changes) or bench.goal(direction, number) in (number + 1, number - 1)
        for event in events:
            step = event.data.get("step")
            if step == 1 or (step is None and whole) or (event.name == "step_started" and step == 2):
                found.append((direction, number, event.seq))
    return found


def matrix(bench: Bench, fault: Fault, every: int = 1, first: int = 0) -> list[Trial]:
    """A trial at every Nth transition from the `first` on, in every phase that the fault knows."""
    trials = []
    for direction, number, seq in points(bench)[first :: every * fault.every]:
        for phase in fault.phases:
            trial = bench.trial(direction, number, Point(seq, phase), fault)
            trials.append(trial)
            if trial.problems:
                print(f"WRONG {trial}", flush=True)
    return trials


if __name__ == "__main__":
    sys.exit(main())
