"""What clients feel while a reader is in the way of our ALTER TABLE: with the queue guard, and without any.

`pgbench -R 400` asks for a row every 2.5 ms whether the last answer has come or not, and each transaction's latency is
counted from when it was due: a load that waits for its answers hides the pile-up, for it stops asking. A reader keeps
its transaction open for 5 seconds; the ALTER comes just after it. Unguarded means what `psql` does: no lock timeout, no
guard. Ours has the default policy.
Goal: the worst latency is at most 500 ms, no transaction fails, and the ALTER gets done.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg
from common import OURS, Bench, bench, psql

GOAL_MS = 500
DATABASE = "bench_guard"
RATE = 400
CLIENTS = 32
READER_S = 5.0
ALTER = "ALTER TABLE public.accounts ADD COLUMN note text;"
LOAD = r"""\set id random(1, 10000)
SELECT filler FROM public.accounts WHERE id = :id;
"""


@dataclass(frozen=True, slots=True)
class Felt:
    """What the clients felt (milliseconds from when a transaction was due), and whether the column is there."""

    worst: float
    p99: float
    median: float
    transactions: int
    failed: int
    altered: bool
    alter_s: float


def main() -> None:
    with bench(__doc__, rounds=1) as b:
        pgbench = _pgbench()
        seconds = 12 if b.quick else 20
        print(f"{RATE} transactions a second, {CLIENTS} clients, {seconds} s; a reader of {READER_S:g} s is in the way")
        for number in range(b.rounds):
            bare = felt(b, pgbench, seconds, number, by_psql)
            ours = felt(b, pgbench, seconds, number, by_us)
            for name, one in (("psql, no limits", bare), ("pgmig-tui, default policy", ours)):
                print(
                    f"{name:<28} worst {one.worst:8.0f} ms   p99 {one.p99:8.0f} ms   median {one.median:6.1f} ms   "
                    f"{one.transactions} transactions, {one.failed} failed   "
                    f"ALTER {'done' if one.altered else 'NOT DONE'} after {one.alter_s:.1f} s",
                    flush=True,
                )
            met = ours.worst <= GOAL_MS and not ours.failed and ours.altered
            print(
                f"{'worst latency':<28} {bare.worst / ours.worst:6.1f}x shorter   goal: at most {GOAL_MS} ms, nothing"
                f" fails, the ALTER gets done: {'met' if met else 'NOT MET'}"
            )


def felt(b: Bench, pgbench: str, seconds: int, number: int, alter: Callable[[Bench, Path, str], None]) -> Felt:
    """One load with one ALTER in it."""
    uri = b.server.fresh(DATABASE)
    b.server.execute(
        "CREATE TABLE public.accounts AS SELECT g AS id, repeat('x', 80) AS filler FROM generate_series(1, 10000) g",
        DATABASE,
    )
    b.server.execute("CREATE UNIQUE INDEX ON public.accounts (id)", DATABASE)
    folder = b.folder / f"{alter.__name__}{number}"
    folder.mkdir()
    project = _project(folder / "project")
    (folder / "load.sql").write_text(LOAD)
    load = subprocess.Popen(
        [
            pgbench,
            "-n",
            "-M",
            "prepared",
            "-f",
            "load.sql",
            "-R",
            str(RATE),
            "-c",
            str(CLIENTS),
            "-j",
            "2",
            "-T",
            str(seconds),
            "-l",
            "--log-prefix",
            "load",
            b.server.conninfo(DATABASE),
        ],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    time.sleep(2)  # the load is under way
    reader = threading.Thread(target=_read, args=(b.server.conninfo(DATABASE),))
    reader.start()
    time.sleep(0.1)
    start = time.perf_counter()
    alter(b, project, uri)
    took = time.perf_counter() - start
    reader.join()
    said, _ = load.communicate()
    if load.returncode:
        raise SystemExit(f"pgbench ended with {load.returncode}:\n{said}")
    late = sorted(_latencies(folder))
    altered = b.server.execute(
        "SELECT 1 FROM pg_attribute WHERE attrelid = 'public.accounts'::regclass AND attname = 'note'", DATABASE
    )
    failed = next((int(line.split(":")[1].split()[0]) for line in said.splitlines() if "number of failed" in line), 0)
    b.server.drop(DATABASE)
    return Felt(late[-1], late[int(len(late) * 0.99)], statistics.median(late), len(late), failed, bool(altered), took)


def by_psql(b: Bench, project: Path, uri: str) -> None:
    b.run([psql(), "-X", "-q", "-c", ALTER, b.server.conninfo(DATABASE)], project)


def by_us(b: Bench, project: Path, uri: str) -> None:
    b.run([*OURS, "deploy", "--yes", "--target", uri], project)


def _read(conninfo: str) -> None:
    with psycopg.connect(conninfo) as connection:
        connection.execute("SELECT count(*) FROM public.accounts")
        time.sleep(READER_S)


def _latencies(folder: Path) -> list[float]:
    """Milliseconds of every transaction in pgbench's logs, the wait for its turn included.

    Columns: client, transaction, latency (us), script, second, microsecond, schedule lag (us). With -R the latency is
    counted from the schedule already (PostgreSQL docs, pgbench, "Per-Transaction Logging").
    """
    found = []
    for log in folder.glob("load.*"):
        for line in log.read_text().splitlines() if log.suffix != ".sql" else ():
            fields = line.split()
            if fields[2] in ("failed", "skipped"):
                raise SystemExit(f"a transaction was {fields[2]}: {line}")
            found.append(int(fields[2]) / 1000)
    return found


def _pgbench() -> str:
    bare = sorted(Path("/usr/lib/postgresql").glob("*/bin/pgbench"))
    found = str(bare[-1]) if bare else shutil.which("pgbench")
    if found is None:
        raise SystemExit("This benchmark needs pgbench, which is not installed here (Debian: postgresql-15).")
    return found


def _project(folder: Path) -> Path:
    for kind in ("deploy", "revert"):
        (folder / kind).mkdir(parents=True)
    who = "2024-01-01T00:00:00Z Bench Mark <bench@example.com>"
    (folder / "sqitch.plan").write_text(f"%syntax-version=1.0.0\n%project=guard\n\nnote {who} # A column\n")
    (folder / "sqitch.conf").write_text("[core]\n\tengine = pg\n")
    (folder / "deploy" / "note.sql").write_text(f"BEGIN;\n{ALTER}\nCOMMIT;\n")
    (folder / "revert" / "note.sql").write_text("ALTER TABLE public.accounts DROP COLUMN note;\n")
    return folder


if __name__ == "__main__":
    main()
