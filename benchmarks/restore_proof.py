"""A backup of the demonstration's production with its proof, restored as a test, and of that the test restore alone.

The peer is `pg_dump` and `pg_restore` of the same database, by hand, into a new database on the server that runs
already: no counts, no verify scripts, no server of its own.

Goal: the test restore within 10 s.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from pathlib import Path

from common import Bench, bench

GOAL_S = 10.0


def main() -> None:
    with bench(__doc__, rounds=5, server=False) as b:
        os.environ |= b.environment()
        from pgmig_tui.demo import project as demo
        from pgmig_tui.project.project import load_project
        from pgmig_tui.run.journal.folder import default_state_dir

        paths = demo.prepare(reset=True)
        try:
            toml = paths.project / "pgmig.toml"
            toml.write_text(toml.read_text().replace('verify = "decode"', 'verify = "restore"'))
            project = load_project(paths.project, paths.environment(os.environ))
            target = project.environment("production").target.conninfo
            state_dir = default_state_dir(os.environ)
            ours, proofs, theirs = [], [], []
            for number in range(b.rounds):
                whole, proof = _ours(project, state_dir, f"bench{number}")
                ours.append(whole)
                proofs.append(proof)
                theirs.append(_theirs(b, paths.bin_dir, target))
        finally:
            demo.server().destroy()
        whole, proof, by_hand = (statistics.median(times) for times in (ours, proofs, theirs))
        print(f"backup with proof {whole:.2f} s, pg_dump and pg_restore by hand {by_hand:.2f} s")
        print(f"test restore {proof:.2f} s   goal: below {GOAL_S:.0f} s: {'met' if proof < GOAL_S else 'NOT MET'}")


def _ours(project: object, state_dir: Path, run_id: str) -> tuple[float, float]:
    """Seconds of the whole, and of the test restore in it."""
    from pgmig_tui.project.project import Project
    from pgmig_tui.review import backups

    assert isinstance(project, Project)
    start = time.perf_counter()
    _, proven = backups.make(project, project.environment("production"), state_dir, run_id)
    took = time.perf_counter() - start
    assert proven.state == "PASS", proven.summary
    return took, float(proven.rows[0]["restored"]["seconds"])


def _theirs(b: Bench, programs: Path, target: dict[str, str]) -> float:
    dump = b.folder / "by_hand.dump"
    where = [f"--host={target['host']}", f"--port={target['port']}", f"--username={target['user']}"]
    database = target["dbname"]
    start = time.perf_counter()
    for command in (
        [programs / "pg_dump", *where, "--format=custom", f"--file={dump}", database],
        [programs / "psql", *where, "-qXd", "postgres", "-c", "DROP DATABASE IF EXISTS by_hand"],
        [programs / "psql", *where, "-qXd", "postgres", "-c", "CREATE DATABASE by_hand TEMPLATE template0"],
        [programs / "pg_restore", *where, f"--jobs={min(os.cpu_count() or 1, 4)}", "--dbname=by_hand", dump],
    ):
        subprocess.run(command, check=True, env=b.environment())
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
