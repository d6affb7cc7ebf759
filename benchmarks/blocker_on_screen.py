"""From the moment an ALTER TABLE begins to wait to the frame of the run screen that names who is in its way.

In a terminal of 100 x 30, with a reader that is idle in its transaction. The moment is the server's own
(pg_locks.waitstart), which on one host has the screen's clock. Goal: at most 0.5 s, in every round.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

import psycopg
from common import ROOT, Bench, bench, write_project

sys.path.insert(0, str(ROOT))  # the terminal that the tests have
from tests.e2e.terminal import Terminal

GOAL_S = 0.5
ALTER = "BEGIN;\nALTER TABLE public.busy ADD COLUMN note text;\nCOMMIT;\n"
POLICY = '[[environment]]\nname = "bench"\ntarget = "bench"\nlock_timeout = "30s"\n'


def main() -> None:
    with bench(__doc__, rounds=7) as b:
        taken = [detection(b, number) for number in range(b.rounds)]
        worst = max(taken)
        print(
            f"{'blocker on screen':<34} median {statistics.median(taken):6.3f} s   worst {worst:6.3f} s   "
            f"goal: at most {GOAL_S:g} s: {'met' if worst <= GOAL_S else 'NOT MET'}",
            flush=True,
        )


def detection(b: Bench, number: int) -> float:
    """Seconds from the wait's begin to the frame."""
    database = f"bench_blocker_{number}"
    uri = b.server.fresh(database)
    b.server.execute("CREATE TABLE public.busy (id int)", database)
    project = write_project(b.folder / f"blocker{number}", 1, f'[target "bench"]\n\turi = {uri}\n')
    (project / "deploy" / "c00000.sql").write_text(ALTER)
    (project / "verify" / "c00000.sql").write_text("SELECT note FROM public.busy WHERE false;\n")
    (project / "pgmig.toml").write_text(POLICY)
    try:
        with psycopg.connect(b.server.conninfo(database), application_name="reader") as reader:
            reader.execute("SELECT count(*) FROM public.busy")
            return _on_screen(b, project, database, reader)
    finally:
        b.server.drop(database)


def _on_screen(b: Bench, project: Path, database: str, reader: psycopg.Connection[tuple[object, ...]]) -> float:
    env = b.environment()
    with Terminal(
        project, size=(100, 30), env={"XDG_STATE_HOME": str(project / "state"), "HOME": env["HOME"]}
    ) as screen:
        screen.sees("bench: 1 pending").press("d")
        screen.sees("GO is open").press("E")
        screen.sees("Type yes").press("yes", "enter")
        needle = f"for pid {reader.info.backend_pid} (reader)"
        while needle not in screen.text:
            if not screen.read(1.0):
                raise SystemExit(f"the screen ended by itself:\n{screen.text}")
        seen = time.time()
        began = b.server.execute(
            "SELECT extract(epoch FROM min(waitstart))::float8 FROM pg_locks"
            " WHERE NOT granted AND relation = 'public.busy'::regclass"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            database,
        )[0][0]
        reader.rollback()
        screen.sees("1/1 + DONE").press("q")
        screen.ends()
    if not isinstance(began, float):
        raise SystemExit("nobody waited for a lock")
    return seen - began


if __name__ == "__main__":
    main()
