"""All that is checked before a deploy of the demonstration's production, without the proof of a backup.

The review's way: the impact of the pending scripts, whose locks the checks ask about, then the checks one by one. Told
are the moment at which the first answers and that of the last, from the beginning; and the whole life of
`pgmig-tui check production`, beside a bare `psql -c 'SELECT 1'` of the same server.

Goal: all of them within 2 s.
"""

from __future__ import annotations

import os
import statistics
import sys
import time

from common import OURS, bench

GOAL_S = 2.0


def main() -> None:
    with bench(__doc__, rounds=5, server=False) as b:
        os.environ.update(b.environment())
        from pgmig_tui.demo import project as demo

        paths = demo.prepare(True, say=lambda text: print(text, file=sys.stderr))
        try:
            firsts, lasts = zip(*(_once(paths) for _ in range(b.rounds)), strict=True)
            first, last = statistics.median(firsts), statistics.median(lasts)
            met = "met" if last < GOAL_S else "NOT MET"
            print(f"first answer after {first:.2f} s, all after {last:.2f} s   goal: below {GOAL_S:g} s: {met}")
            psql = [paths.bin_dir / "psql", "-X", "-c", "SELECT 1", demo.server().conninfo("postgres")]
            ours, theirs = [], []
            for _ in range(b.rounds):
                theirs.append(b.run(psql, paths.project).seconds)
                ours.append(b.run([*OURS, "check", "production"], paths.project).seconds)
            took, peer = statistics.median(ours), statistics.median(theirs)
            print(
                f"pgmig-tui check production: {took:.2f} s, psql -c 'SELECT 1': {peer:.3f} s, {took / peer:.0f} times"
            )
        finally:
            demo.stop()


def _once(paths: object) -> tuple[float, float]:
    """Seconds to the first and to the last answer."""
    from pgmig_tui.database.checks import check_environment
    from pgmig_tui.demo.project import DemoPaths
    from pgmig_tui.project.project import load_project
    from pgmig_tui.review.lists import pending_on
    from pgmig_tui.run.journal.folder import default_state_dir

    assert isinstance(paths, DemoPaths)
    project = load_project(paths.project, paths.environment(os.environ))
    environment = project.environment("production")
    began = time.perf_counter()
    times: list[float] = []
    found = pending_on(project, environment, default_state_dir(os.environ))
    check_environment(environment, found.wanted, heard=lambda one: times.append(time.perf_counter() - began))
    return times[0], times[-1]


if __name__ == "__main__":
    main()
