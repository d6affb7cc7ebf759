"""What the benchmarks share: a server, projects to run, and times taken in turns.

Nothing here is clever on purpose. Each program is started as a user starts it, its whole life is timed by the wall
clock, and the two compared programs alternate, so that what else the machine does falls on both.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

ROOT = Path(__file__).resolve().parent.parent
OURS = [sys.executable, "-P", "-m", "pgmig_tui"]


@dataclass(frozen=True, slots=True)
class Server:
    """A running server on which databases may be made."""

    parameters: Mapping[str, str]

    def conninfo(self, database: str) -> str:
        return make_conninfo("", **{**self.parameters, "dbname": database})

    def uri(self, database: str) -> str:
        user, host, port = (quote(self.parameters.get(key, ""), safe="") for key in ("user", "host", "port"))
        return f"db:pg://{user}@{host}:{port}/{database}"

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        with psycopg.connect(self.conninfo(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def fresh(self, name: str, template: str = "template1") -> str:
        """An empty database of that name, or a copy of another; one that was there is dropped."""
        self.drop(name)
        names = {"name": sql.Identifier(name), "template": sql.Identifier(template)}
        with psycopg.connect(self.conninfo("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {name} TEMPLATE {template}").format(**names))
            connection.execute("CHECKPOINT")  # what making the database left to write is not part of what is timed
        return self.uri(name)

    def drop(self, name: str) -> None:
        with psycopg.connect(self.conninfo("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@dataclass(frozen=True, slots=True)
class Bench:
    """A folder, an environment for both programs, and a server."""

    folder: Path
    server: Server
    quick: bool
    rounds: int

    def environment(self, **more: str) -> dict[str, str]:
        """That of a user: no settings of ours, and modules stay compiled, as they are once installed."""
        without = ("PG", "SQITCH_", "PYTHONDONTWRITEBYTECODE")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(without)}
        home = str(self.folder / "home")
        return {
            **kept,
            "HOME": home,
            "XDG_STATE_HOME": home,
            "PYTHONPATH": str(ROOT),
            "SQITCH_SYSTEM_CONFIG": os.devnull,
            "SQITCH_USER_CONFIG": os.devnull,
            "SQITCH_FULLNAME": "Bench Mark",
            "SQITCH_EMAIL": "bench@example.com",
            **more,
        }

    def run(self, command: Sequence[str | Path], cwd: Path) -> Took:
        """Run to the end; raises when it fails, with what it said."""
        with (self.folder / "said").open("w+b") as said:
            start = time.perf_counter()
            process = subprocess.Popen(
                command,
                cwd=cwd,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
            )
            _, status, used = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - start
            process.returncode = os.waitstatus_to_exitcode(status)
            said.seek(0)
            text = said.read().decode(errors="replace")
        if process.returncode != 0:
            raise SystemExit(f"{[str(part) for part in command]} ended with {process.returncode}:\n{text[-3000:]}")
        megabytes = used.ru_maxrss / (1024 if sys.platform != "darwin" else 1024 * 1024)
        return Took(seconds, megabytes, text)


@dataclass(frozen=True, slots=True)
class Took:
    """Wall seconds, peak memory of the process in MB, and what it printed."""

    seconds: float
    megabytes: float = 0.0
    output: str = ""


@contextmanager
def bench(description: str | None, *, rounds: int = 3, server: bool = True) -> Iterator[Bench]:
    """Read the options that all benchmarks have, and hold a server for the time of one that needs it."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a small size, to see that it works")
    parser.add_argument("--rounds", type=int, default=None, help=f"how often each is run (default: {rounds}; quick: 1)")
    parser.add_argument("--server", metavar="CONNINFO", help="a running server instead of one of our own")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    (folder / "home").mkdir()
    try:
        with _server(options.server) if server else nullcontext(Server({})) as served:
            yield Bench(folder, served, options.quick, options.rounds or (1 if options.quick else rounds))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _server(conninfo: str | None) -> Iterator[Server]:
    if conninfo is not None:
        yield Server({key: str(value) for key, value in conninfo_to_dict(conninfo).items() if key != "dbname"})
        return
    from pgmig_tui.sandbox.server import SandboxServer, choose_installation, scratch_folder

    folder = scratch_folder()
    sandbox = SandboxServer(folder, choose_installation())  # its settings are PostgreSQL's own: fsync is on
    try:
        sandbox.start()
        yield Server({key: str(value) for key, value in conninfo_to_dict(sandbox.conninfo("")).items() if value})
    finally:
        sandbox.destroy()
        shutil.rmtree(folder, ignore_errors=True)


def psql() -> str:
    """The bare client, never Debian's wrapper script, which would make sqitch look slower than it is."""
    bare = sorted(Path("/usr/lib/postgresql").glob("*/bin/psql"))
    found = str(bare[-1]) if bare else shutil.which("psql")
    if found is None:
        from pgmig_tui.sandbox.server import choose_installation

        found = str(choose_installation().bin_dir / "psql")
    return found


def need_sqitch() -> None:
    if not shutil.which("sqitch"):
        raise SystemExit("This benchmark compares with the real sqitch, which is not installed here.")


def in_turns(rounds: int, *runs: Callable[[], float]) -> list[float]:
    """Run each in turn, `rounds` times over; the median seconds of each."""
    taken: list[list[float]] = [[] for _ in runs]
    for _ in range(rounds):
        for run, times in zip(runs, taken, strict=True):
            times.append(run())
    return [statistics.median(times) for times in taken]


def write_project(folder: Path, changes: int, conf: str = "") -> Path:
    """Trivial changes: a table each, in a transaction, needing the change before it; a tag every hundred."""
    for kind in ("deploy", "revert", "verify"):
        (folder / kind).mkdir(parents=True)
    who = "2024-01-01T00:00:00Z Bench Mark <bench@example.com>"
    lines = ["%syntax-version=1.0.0", f"%project={folder.name}", ""]
    for number in range(changes):
        name, needs = f"c{number:05}", f" [c{number - 1:05}]" if number else ""
        lines.append(f"{name}{needs} {who} # change number {number}")
        if number % 100 == 99:
            lines.append(f"@r{number // 100} {who} # release {number // 100}")
        for kind, statement in (
            ("deploy", f"CREATE TABLE public.{name} (id int);"),
            ("revert", f"DROP TABLE public.{name};"),
            ("verify", f"SELECT id FROM public.{name} WHERE false;"),
        ):
            end = "ROLLBACK" if kind == "verify" else "COMMIT"
            (folder / kind / f"{name}.sql").write_text(f"-- {kind} {name}\n\nBEGIN;\n\n{statement}\n\n{end};\n")
    (folder / "sqitch.plan").write_text("\n".join(lines) + "\n")
    (folder / "sqitch.conf").write_text("[core]\n\tengine = pg\n" + conf)
    return folder


def verdict(what: str, ours: float, theirs: float, other: str, *, at_least: float = 0.0, at_most: float = 0.0) -> None:
    """One line: both times, the ratio in the direction that the goal is stated in, and whether the goal is met."""
    if at_least:
        ratio, word, goal, met = theirs / ours, "faster", f"at least {at_least:g}x", theirs / ours >= at_least
    else:
        ratio, word, goal, met = ours / theirs, "the time", f"at most {at_most:g}x", ours / theirs <= at_most
    print(
        f"{what:<34} {other} {theirs:8.3f} s   ours {ours:8.3f} s   {ratio:6.2f}x {word}   goal: {goal}: "
        f"{'met' if met else 'NOT MET'}",
        flush=True,
    )
