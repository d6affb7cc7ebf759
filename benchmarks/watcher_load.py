"""What the watcher of a run costs the server: processor time of its session while it looks four times a second.

500 sessions are open, half of them in a transaction that holds locks, and 20 of them wait for one; a CREATE INDEX
CONCURRENTLY of ours waits for a writer. The processor time is what the kernel counts for the watcher's server process,
its start included.
Goal: below 1 % of one core.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from common import OURS, Bench, Server, bench
from psycopg.conninfo import conninfo_to_dict

GOAL_PERCENT = 1.0
DATABASE = "bench_watch"
SESSIONS = 500
WAITING = 20


def main() -> None:
    with bench(__doc__, rounds=1, server=False) as b, _server() as server:
        seconds = 6 if b.quick else 20
        uri = server.fresh(DATABASE)
        server.execute("CREATE TABLE public.t (id int PRIMARY KEY)", DATABASE)
        server.execute("CREATE TABLE public.w (id int)", DATABASE)
        project = _project(b.folder / "project")
        crowd = _crowd(server)
        percent, looks = watched(b, server, project, uri, seconds, crowd)
        print(
            f"{SESSIONS} sessions, {looks / seconds:.1f} looks a second for {seconds} s: {percent:.2f} % of one core"
            f"   goal: below {GOAL_PERCENT:g} %: {'met' if percent < GOAL_PERCENT else 'NOT MET'}"
        )


def watched(
    b: Bench, server: Server, project: Path, uri: str, seconds: int, crowd: list[psycopg.Connection[tuple[object, ...]]]
) -> tuple[float, int]:
    """(percent of a core, looks in that time) of the watcher's session beside one slow step."""
    run = subprocess.Popen(
        [*OURS, "deploy", "--yes", "--target", uri],
        cwd=project,
        env=b.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        pid = _watcher(server)
        start, looked = time.perf_counter(), _looks(server)
        time.sleep(seconds)
        used = int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
        took = time.perf_counter() - start
        looks = _looks(server) - looked
    finally:
        for one in crowd:
            one.close()  # nothing is in the way any more
        run.wait()
    if run.returncode:
        raise SystemExit(f"the deploy ended with {run.returncode}")
    return 100 * used / took, looks


def _watcher(server: Server) -> int:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found = server.execute(r"SELECT pid FROM pg_stat_activity WHERE query LIKE 'EXECUTE pgmig%'")
        if found:
            return int(str(found[0][0]))
        time.sleep(0.05)
    raise SystemExit("no watcher has come")


def _looks(server: Server) -> int:
    """Transactions of the database since its statistics began: next to all are the watcher's."""
    rows = server.execute(f"SELECT xact_commit FROM pg_stat_database WHERE datname = '{DATABASE}'")
    return int(str(rows[0][0]))


def _crowd(server: Server) -> list[psycopg.Connection[tuple[object, ...]]]:
    made = []
    for number in range(SESSIONS):
        connection = psycopg.connect(server.conninfo(DATABASE), autocommit=True)
        if number == 0:
            connection.execute("BEGIN; LOCK TABLE public.w IN SHARE MODE; INSERT INTO public.t VALUES (1)")
        elif number <= WAITING:
            connection.pgconn.send_query(b"BEGIN; LOCK TABLE public.w IN SHARE ROW EXCLUSIVE MODE")
        elif number % 2:
            connection.execute("BEGIN; SELECT * FROM public.t")
        made.append(connection)
    return made


def _project(folder: Path) -> Path:
    for kind in ("deploy", "revert"):
        (folder / kind).mkdir(parents=True)
    who = "2024-01-01T00:00:00Z Bench Mark <bench@example.com>"
    (folder / "sqitch.plan").write_text(f"%syntax-version=1.0.0\n%project=watch\n\nslow {who} # Slow\n")
    (folder / "sqitch.conf").write_text("[core]\n\tengine = pg\n")
    (folder / "deploy" / "slow.sql").write_text("CREATE INDEX CONCURRENTLY slow ON public.t (id);\n")
    (folder / "revert" / "slow.sql").write_text("DROP INDEX CONCURRENTLY public.slow;\n")
    return folder


@contextmanager
def _server() -> Iterator[Server]:
    from pgmig_tui.sandbox.server import SandboxServer, choose_installation, scratch_folder

    folder = scratch_folder()
    sandbox = SandboxServer(folder, choose_installation(), settings={"max_connections": str(SESSIONS + 50)})
    try:
        sandbox.start()
        yield Server({key: str(value) for key, value in conninfo_to_dict(sandbox.conninfo("")).items() if value})
    finally:
        sandbox.destroy()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
