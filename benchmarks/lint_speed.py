"""How long lint takes beside squawk, whole processes, in turns: 10,000 statements of DDL in 200 files, and in one.

Goals: at most squawk's time as one file, at most 3 times its time as 200 files.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from common import OURS, Bench, bench, in_turns, verdict
from ddl_mix import write_mix
from peers import squawk

ONE, MANY = 1, 3


def main() -> None:
    with bench(__doc__, server=False) as b:
        statements = 500 if b.quick else 10_000
        peer = squawk()
        print(peer)
        for files, goal in ((200, MANY), (1, ONE)):
            paths = write_mix(b.folder / f"mix{files}" / "deploy", statements, files)
            what = f"{statements} statements in {files} file{'s' if files > 1 else ''}"
            ours = [*OURS, "lint", "--json", "deploy"]
            theirs = [*peer.command, "--reporter", "json", *map(str, paths)]
            folder = paths[0].parents[1]
            _timed(b, ours, folder)  # compiled modules are kept, as installed
            took = in_turns(
                b.rounds,
                lambda: _timed(b, ours, folder),  # noqa: B023
                lambda: _timed(b, theirs, folder) if peer else 0.0,  # noqa: B023
            )
            if peer:
                verdict(what, took[0], took[1], "squawk", at_most=goal)
            else:
                print(f"{what}: ours {took[0]:.3f} s, nothing to compare it with")


def _timed(b: Bench, command: Sequence[str], cwd: Path) -> float:
    """Seconds of a whole process; what it prints goes to a file, as in CI."""
    with (b.folder / "said").open("w+b") as said:
        start = time.perf_counter()
        done = subprocess.run(
            list(command), cwd=cwd, env=b.environment(), stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT
        )
        seconds = time.perf_counter() - start
        if done.returncode not in (0, 1, 3):
            said.seek(0)
            raise SystemExit(
                f"{command[:5]} ended with {done.returncode}: {said.read()[-2000:].decode(errors='replace')}"
            )
    return seconds


if __name__ == "__main__":
    main()
