"""How right are the times that are told? Each statement is estimated as the commands do it, then timed.

The statements of `corpus/times/statements.sql`, of the four kinds whose time grows with rows (rewrites, scans, index
builds, and statements that change rows), run on tables of 10^5 and of 10^6 rows, each on a copy of the database of its
own, after its tables were read into memory. An estimate is right when its middle (the geometric mean of its ends) is
within a factor 3 of the time that the statement took; times below 20 ms count as 20 ms. A statement is unknown when
none is given, or when its ends are more than a factor 10 apart. Without --server the embedded server is used, with the
settings that PostgreSQL comes with.

    python benchmarks/time_accuracy.py --rows 100000,1000000
"""

from __future__ import annotations

import argparse
import math
import re
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from common import ROOT, Server, _server
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from pgmig_tui.database.connect import connect
from pgmig_tui.gates.impacts import Reading, Source, inspect
from pgmig_tui.impact.result import Estimate
from pgmig_tui.script.files import Allow, ProjectFiles

STATEMENTS = ROOT / "benchmarks" / "corpus" / "times" / "statements.sql"
KINDS = ("rewrite", "scan", "index", "rows")
FACTOR, WIDEST, LEAST_MS, UNKNOWN = 3.0, 10.0, 20.0, 0.10
_PART = re.compile(r"^-- (setup|rewrite|scan|index|rows)$", re.MULTILINE)
_ALONE = re.compile(r"\s*(VACUUM|CLUSTER\s*$|.*\bCONCURRENTLY\b)", re.IGNORECASE)
_TEMPLATE, _COPY = "bench_times", "bench_times_copy"


@dataclass(frozen=True, slots=True)
class Timed:
    """One statement: the kind, how large the tables were, what was told, and the milliseconds that it took."""

    kind: str
    statement: str
    rows: int
    told: Estimate | None
    took: float

    @property
    def middle(self) -> float | None:
        """The middle of what was told, in ms; None = unknown: nothing was, or nothing that says much."""
        if self.told is None:
            return None
        low, high = max(self.told.low, LEAST_MS), max(self.told.high, LEAST_MS)
        return None if high > low * WIDEST else math.sqrt(low * high)

    @property
    def off(self) -> float | None:
        """By which factor what was told is too much (above 1) or too little; None = unknown."""
        return None if self.middle is None else self.middle / max(self.took, LEAST_MS)

    @property
    def right(self) -> bool:
        return self.off is not None and 1 / FACTOR <= self.off <= FACTOR


@dataclass(frozen=True, slots=True)
class Score:
    """Of one kind: how many, how many of them within the factor, how many unknown."""

    kind: str
    count: int
    right: int
    unknown: int

    @property
    def met(self) -> bool:
        """Everything that is told is right, and at most a tenth isn't told."""
        return self.right + self.unknown == self.count and self.unknown <= UNKNOWN * self.count


def statements(text: str, rows: int) -> dict[str, list[str]]:
    """The statements of each part of the file, with `:rows` put in."""
    parts = _PART.split(text)[1:]
    return {
        name: [one.strip().replace(":rows", str(rows)) for one in re.split(r"\n\s*\n", body) if one.strip()]
        for name, body in zip(parts[::2], parts[1::2], strict=True)
    }


def scores(found: list[Timed]) -> list[Score]:
    """The score of each kind that there is."""
    return [
        Score(kind, len(mine), sum(one.right for one in mine), sum(one.middle is None for one in mine))
        for kind in KINDS
        if (mine := [one for one in found if one.kind == kind])
    ]


@dataclass(frozen=True, slots=True)
class _Where:
    """A target as connections want it."""

    conninfo: dict[str, str]
    display: str = "the benchmark's server"
    password: None = None
    secrets: Mapping[str, str] = field(default_factory=dict)


def told(server: Server, statement: str) -> Estimate | None:
    """What is estimated for a script of this one statement."""
    where = {key: str(value) for key, value in conninfo_to_dict(server.conninfo(_COPY)).items()}
    with connect(_Where(where), application_name="pgmig/times") as connection:
        files = ProjectFiles(ROOT, allow_files=True)
        how = Reading(files, {"registry": "sqitch"}, Allow(files=True), connection.identity().facts)
        (found,) = inspect([Source("", "times.sql", f"{statement.rstrip(';')};\n".encode())], how, connection)
    (one,) = found.impact.statements
    if one.problem is not None:
        raise SystemExit(f"{statement}\n{one.problem.message}")
    return one.estimated_ms


def least(estimates: Iterable[Estimate | None]) -> Estimate | None:
    """That of the fastest of several measurements of the server's rate: the others had to share its processor."""
    known = [one for one in estimates if one is not None]
    return min(known, key=lambda one: one.high) if known else None


def took(server: Server, statement: str, *, kept: bool) -> float:
    """Milliseconds of the statement (and of its COMMIT, when it is `kept`) in a session of its own, without those for
    which its process could have run and the machine let others run (Linux tells them of a server of this machine)."""
    with psycopg.connect(server.conninfo(_COPY), autocommit=True) as connection:
        connection.execute("SET client_min_messages = error")
        if not _ALONE.match(statement):
            statement = f"BEGIN; {statement.rstrip(';')}" + ("; COMMIT" if kept else "")
        stolen, begin = waited(connection.info.backend_pid), time.perf_counter()
        connection.execute(statement.encode())
        seconds = time.perf_counter() - begin
        stolen = waited(connection.info.backend_pid) - stolen
        connection.rollback()
        return seconds * 1000 - stolen


def waited(process: int) -> float:
    """Milliseconds for which the process has waited for a processor; 0 where nothing tells."""
    try:
        return int(Path(f"/proc/{process}/schedstat").read_text().split()[1]) / 1e6
    except (OSError, IndexError, ValueError):
        return 0.0


def prepare(server: Server, setup: list[str]) -> None:
    """The database that the others are copies of."""
    server.fresh(_TEMPLATE)
    with psycopg.connect(server.conninfo(_TEMPLATE), autocommit=True) as connection:
        for one in setup:
            connection.execute(one.encode())
        connection.execute("VACUUM ANALYZE")


def copy(server: Server) -> None:
    """A new copy of the database."""
    server.drop(_COPY)
    names = {"copy": sql.Identifier(_COPY), "template": sql.Identifier(_TEMPLATE)}
    with psycopg.connect(server.conninfo("postgres"), autocommit=True) as connection:
        strategy = sql.SQL("STRATEGY file_copy" if connection.info.server_version >= 150000 else "")
        connection.execute(
            sql.SQL("CREATE DATABASE {copy} TEMPLATE {template} {strategy}").format(**names, strategy=strategy)
        )


def read(server: Server, statement: str) -> None:
    """Read the tables that a statement names once, into memory."""
    with psycopg.connect(server.conninfo(_COPY), autocommit=True) as connection:
        tables = connection.execute(
            "SELECT c.relname FROM pg_class c WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace"
        ).fetchall()
        for (table,) in tables:
            if re.search(rf"\b{table}\b", statement):
                connection.execute(f"SELECT count(*) FROM {table} t WHERE t IS NULL".encode())


def measured(server: Server, text: str, rows: int, only: str, verbose: bool) -> Iterator[Timed]:
    parts = statements(text, rows)
    prepare(server, parts["setup"])
    clean = False
    for kind in KINDS:
        for statement in parts[kind]:
            if only and not re.search(only, statement):
                continue
            if not clean:
                copy(server)
            kept = kind == "rows" or bool(_ALONE.match(statement))
            read(server, statement)
            estimate = least(told(server, statement) for _ in range(3))
            one = Timed(kind, statement, rows, estimate, took(server, statement, kept=kept))
            clean = not kept
            if verbose or not one.right:
                print(line(one), flush=True)
            yield one
    server.drop(_COPY)
    server.drop(_TEMPLATE)


def line(one: Timed) -> str:
    say = "nothing" if one.told is None else f"{one.told.low:>6}-{one.told.high:<7}"
    off = "unknown" if one.off is None else f"{one.off:7.2f}"
    text = " ".join(one.statement.split())[:90]
    return f"{one.kind:<8}{one.rows:>8} {one.took:9.0f} ms  told {say:<15} {off:>8}  {text}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default="100000,1000000", help="sizes of the tables (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="20,000 rows, to see that it works")
    parser.add_argument("--only", default="", metavar="PATTERN", help="statements that match this")
    parser.add_argument("--server", metavar="CONNINFO", help="a running server instead of one of our own")
    parser.add_argument("-v", "--verbose", action="store_true", help="every statement, not only those that are wrong")
    options = parser.parse_args()
    sizes = [20_000] if options.quick else [int(size) for size in options.rows.split(",")]
    text = STATEMENTS.read_text(encoding="utf-8")
    found: list[Timed] = []
    with _server(options.server) as server:
        for rows in sizes:
            found += measured(server, text, rows, options.only, options.verbose)
    met = True
    for score in scores(found):
        known = score.count - score.unknown
        print(
            f"{score.kind:<8} n {score.count:>3}   within a factor {FACTOR:g}: {score.right}/{known}   "
            f"unknown: {score.unknown} ({score.unknown / score.count:.0%})   {'met' if score.met else 'NOT MET'}"
        )
        met &= score.met
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
