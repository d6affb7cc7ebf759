"""How right is the lock preview? Every statement of a folder of .sql files, predicted and then run.

Each statement stands in a savepoint or a transaction of its own on a scratch server. Before it, its impact is predicted
with facts that are read from the catalog at that moment; after it, a second session reads the truth from pg_locks, and
changed files tell the rewrites. Prints precision, recall and exact sets of (relation, strongest mode), by family and
kind, and writes one JSON line a statement. Statements that refuse to run in a transaction are watched while another
session holds them up; they are told apart, and none is left out.

    python benchmarks/lock_accuracy.py --sql-dir benchmarks/corpus --server 18 --out results.jsonl

With --scripts, whole scripts and plans are predicted before they run, as the commands do it (see script_runner.py), and
what is told is compared statement by statement with what happened: locks, rewrites, failures, losses.

    python benchmarks/lock_accuracy.py --scripts benchmarks/corpus/scripts --server 18
"""

from __future__ import annotations

import argparse
import json
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from time import monotonic

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]

import psycopg  # noqa: E402
from lock_runner import Line, Runner, environment_for  # noqa: E402
from lock_score import Score, as_json, compared, rewrites, scored  # noqa: E402
from psycopg.conninfo import make_conninfo  # noqa: E402

from pgmig_tui.errors import PgmigError  # noqa: E402
from pgmig_tui.sandbox.server import SandboxServer, scratch_folder  # noqa: E402
from tests.installations import installation_of  # noqa: E402

_SETTINGS = {
    "fsync": "off",
    "max_prepared_transactions": "10",
    "max_locks_per_transaction": "256",
    "wal_level": "logical",
    "autovacuum": "off",
}


def main() -> int:
    arguments = _parser().parse_args()
    if (arguments.scripts is None) == (arguments.sql_dir is None):
        print("say either --sql-dir or --scripts", file=sys.stderr)
        return 2
    if arguments.scripts is not None:
        return _scripts(arguments)
    if arguments.out is None:
        print("say --out, too", file=sys.stderr)
        return 2
    return _statements(arguments)


def _scripts(arguments: argparse.Namespace) -> int:
    """Exit status 1 where a statement is wrong."""
    from script_runner import cases, run_case
    from script_score import ScriptScore, explained, verdict_json

    found = cases(arguments.scripts, arguments.only)
    if not found:
        print(f"no cases in {arguments.scripts}", file=sys.stderr)
        return 2
    start = monotonic()
    out = arguments.out.open("w") if arguments.out is not None else None
    with _server(arguments.server, arguments.dsn) as (dsn, _), out or nullcontext():
        score = ScriptScore(_builtin(dsn))
        for case in found:
            outcome = run_case(case, dsn)
            verdicts = score.add(outcome)
            for position, one in enumerate(verdicts):
                if told := explained(one, weak=arguments.verbose > 0):
                    print("\n".join(told), flush=True)
                if out is not None:
                    lost = outcome.lost.get(position, frozenset())
                    out.write(json.dumps(verdict_json(case.name, one, lost)) + "\n")
    print(score.report())
    print(f"{monotonic() - start:.1f} s")
    return 1 if any(one.wrong and not one.unknown for one in score.verdicts) else 0


def _builtin(dsn: str) -> Callable[[str], bool]:
    """Whether a name is that of a function of pg_catalog."""
    with psycopg.connect(dsn) as connection:
        rows = connection.execute("SELECT proname FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace")
        names = frozenset(row[0] for row in rows)
    return names.__contains__


def _statements(arguments: argparse.Namespace) -> int:
    files = ordered(arguments.sql_dir, arguments.only)
    if not files:
        print(f"no .sql files in {arguments.sql_dir}", file=sys.stderr)
        return 2
    score = Score()
    start = monotonic()
    with (
        _server(arguments.server, arguments.dsn) as (dsn, libraries),
        arguments.out.open("w") as out,
        _database(dsn) as (conninfo, dbname),
    ):
        runner = Runner(conninfo, dbname, environment_for(arguments.sql_dir.resolve(), libraries))
        for path in files:
            for line in runner.run(path):
                right = score.add(line)
                out.write(json.dumps(as_json(line)) + "\n")
                if arguments.verbose and (not right or arguments.verbose > 1):
                    _explain(line, weak=arguments.verbose > 1)
        runner.close()
    print(score.report())
    print(f"{monotonic() - start:.1f} s")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--sql-dir", type=Path, help="folder of .sql files, each statement by itself")
    parser.add_argument("--scripts", type=Path, metavar="DIR", help="folder of cases: whole scripts, and plans")
    parser.add_argument("--server", type=int, default=18, help="major version of the scratch server (18)")
    parser.add_argument("--out", type=Path, help="one JSON line a statement")
    parser.add_argument("--only", action="append", default=[], metavar="FILE", help="these files alone")
    parser.add_argument("--dsn", default="", help="a running server to use instead, which may be spoilt")
    parser.add_argument(
        "-v", "--verbose", action="count", default=0, help="show what was wrong (twice: weak locks too)"
    )
    return parser


def ordered(folder: Path, only: list[str]) -> list[Path]:
    """The files in the order of a schedule beside them (pg_regress'), or by name; what sets up comes first."""
    files = {path.name: path for path in sorted(folder.glob("*.sql")) if not only or path.name in only}
    first: list[str] = []
    for schedule in (folder / "parallel_schedule", folder.parent / "parallel_schedule"):
        if schedule.is_file() and not first:
            for row in schedule.read_text(encoding="utf-8").splitlines():
                if row.startswith("test:"):
                    first += [f"{name}.sql" for name in row.removeprefix("test:").split()]
    first += [name for name in files if name.removesuffix(".sql").endswith("setup")]
    return [files[name] for name in dict.fromkeys([*first, *files]) if name in files]


@contextmanager
def _server(major: int, dsn: str) -> Iterator[tuple[str, Path]]:
    found = installation_of(major)
    if dsn:
        yield dsn, found.bin_dir.parent / "lib" if found else Path("/")
        return
    if found is None:
        raise SystemExit(f"no programs of PostgreSQL {major} here")
    folder = scratch_folder()
    server = SandboxServer(folder, found, _SETTINGS)
    try:
        server.start()
        yield server.conninfo("postgres"), found.bin_dir.parent / "lib"
    finally:
        server.destroy()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _database(dsn: str) -> Iterator[tuple[str, str]]:
    name = f"accuracy_{secrets.token_hex(4)}"
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE template0".encode())
    try:
        yield make_conninfo(dsn, dbname=name), name
    finally:
        with psycopg.connect(dsn, autocommit=True) as admin:
            admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())


def _explain(line: Line, *, weak: bool) -> None:
    if not scored(line):
        return
    wanted, truth = compared(line)
    told, really = rewrites(line)
    floor = 1 if weak else 4
    extra = {n: m for n, m in wanted.items() if truth.get(n) != m and m >= floor}
    missed = {n: m for n, m in truth.items() if wanted.get(n) != m and m >= floor}
    if not extra and not missed and told == really:
        return
    print(f"{line.file}:{line.statement.line}: {' '.join(line.statement.text.split())[:230]}")
    for what, locks in (("extra", extra), ("missed", missed)):
        if locks:
            print(f"    {what:7}", ", ".join(f"{name} {mode.sql_name}" for name, mode in sorted(locks.items())))
    if told != really:
        print(f"    rewrites told {sorted(map(str, told))}, really {sorted(map(str, really))}")
    if line.impact is not None and line.impact.problem is not None:
        print(f"    problem {line.impact.problem.message}")
    for text in line.impact.unknown if line.impact is not None else ():
        print(f"    unknown {text}")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except PgmigError as error:
        sys.exit(str(error))
