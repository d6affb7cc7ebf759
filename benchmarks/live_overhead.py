"""What the journal, the watcher, the guard and the heartbeat of a run cost: 300 changes with and without them.

Both carry out the same kind of plan with the same engine in this very process, from the first connection to the last
COMMIT, in turns; what is left out in one is that the journal and the run's row are written and that the watcher is
there. (Planning and starting a process cost both the same, and would only hide the difference.) Trivial changes show
what they cost each step; slow ones, a quarter of a second and more, what the watcher's looks cost.
Goal: at most 1.5 times the time.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from common import Bench, bench, verdict, write_project

GOAL = 1.5
DATABASE = "bench_live"


def main() -> None:
    with bench(__doc__, rounds=5) as b:
        os.environ.update({key: value for key, value in b.environment().items() if key.startswith(("SQITCH", "XDG"))})
        trivial, slow = (30, 3) if b.quick else (300, 12)
        for what, changes, pause in (("trivial changes", trivial, ""), ("changes of 0.6 s", slow, "0.6")):
            project = write_project(b.folder / f"p{changes}", changes)
            if pause:
                _slow_down(project, pause)
            with_, without = [], []
            for _ in range(b.rounds if not pause else max(1, b.rounds - 2)):
                without.append(deploy(b, project, changes, bare=True))
                with_.append(deploy(b, project, changes, bare=False))
            verdict(f"{changes} {what}", statistics.median(with_), statistics.median(without), "without", at_most=GOAL)


def deploy(b: Bench, project: Path, changes: int, *, bare: bool) -> float:
    """Seconds of a run of everything into an empty database."""
    from pgmig_tui.project.project import load_project
    from pgmig_tui.run import runner
    from pgmig_tui.run.journal.events import AnyEvent
    from pgmig_tui.run.journal.file import JournalWriter
    from pgmig_tui.run.journal.run_plan import Endpoint, Options
    from pgmig_tui.run.planning import prepare as planning
    from pgmig_tui.run.process import heartbeat
    from pgmig_tui.run.process.heartbeat import Heartbeat
    from pgmig_tui.run.process.stepper import Stepper

    class Silent(JournalWriter):
        def write(self, event: AnyEvent, *, sync: bool = False) -> Any:
            return None

    class Still(Heartbeat):
        def begin(self) -> None:
            return

        def tick(self) -> int | None:
            return None

        def end(self, exit_status: int) -> None:
            return

    class Unwatched(Stepper):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            self.control.watcher = None

    uri = b.server.fresh(DATABASE)
    loaded = load_project(project, os.environ)
    plan = planning.prepare(
        loaded, loaded.environment(uri), "deploy", Options(verify=False), state_dir=b.folder / "state"
    )
    journal = (Silent if bare else JournalWriter)(plan.folder, plan.run_id)
    stepper: Callable[..., Stepper] = runner.Stepper
    runner.Stepper = Unwatched if bare else Stepper  # type: ignore[misc]
    heartbeat.Heartbeat = Still if bare else Heartbeat  # type: ignore[misc]
    try:
        run = runner.Runner(plan, Endpoint(plan.server.display, dict(plan.server.conninfo)), journal, [])
        start = time.perf_counter()
        status = run.execute()
        seconds = time.perf_counter() - start
    finally:
        runner.Stepper = stepper  # type: ignore[misc, assignment]
        heartbeat.Heartbeat = Heartbeat  # type: ignore[misc]
        journal.close()
    deployed = b.server.execute("SELECT count(*) FROM sqitch.changes", DATABASE)
    if status or deployed != [(changes,)]:
        raise SystemExit(f"the deploy ended with {status}, {deployed} changes")
    b.server.drop(DATABASE)
    return seconds


def _slow_down(project: Path, seconds: str) -> None:
    for script in (project / "deploy").iterdir():
        script.write_text(script.read_text().replace("\nCOMMIT", f"\nSELECT pg_sleep({seconds});\n\nCOMMIT"))


if __name__ == "__main__":
    main()
