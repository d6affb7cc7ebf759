"""How long the lock preview takes: from the text alone beside two peers, and reading the facts from a server.

10,000 statements of DDL in 200 scripts of a plan, and the same mix in one: `impact --json` against squawk and
pgfence on the same files, whole processes, in turns. Then the facts of 200 relations in one round trip, on a catalog
that holds little else and on one with 50,000 relations. Last the slowest statement on graphs of 1,000 objects that
name each other at random.

Goals: at most 3 times the time of squawk, at least 5 times as fast as pgfence; facts in less than 50 ms, no slower in
the larger catalog; a second for a statement on a graph.
"""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import psycopg
from common import OURS, Bench, bench, in_turns, verdict
from ddl_mix import write_mix
from peers import Peer, pgfence, squawk

from pgmig_tui.database.catalog import read_facts
from pgmig_tui.impact.facts import DatabaseFacts, Name
from pgmig_tui.impact.wanted import Names
from tests.impact.test_graphs import predict_one, random_graph, statements_on

SQUAWK, PGFENCE = 3, 5
FACTS_MS, RELATIONS, GROWTH = 50, 200, 1.5
GRAPH, GRAPH_S = 1_000, 1.0
_WHO = "2024-01-01T00:00:00Z Bench Mark <bench@example.com>"
_MANY = """
DO $$
BEGIN
    FOR number IN 1..{tables} LOOP
        EXECUTE format('CREATE TABLE crowd.t%s (id int PRIMARY KEY)', number);
        IF number % 500 = 0 THEN COMMIT; END IF;
    END LOOP;
END
$$
"""
_TABLE = """
CREATE TABLE app.t{n} (id bigint PRIMARY KEY, name text NOT NULL, kind int CHECK (kind > 0),
    at timestamptz DEFAULT now(), other_id bigint REFERENCES app.t{other} (id));
CREATE INDEX ON app.t{n} (name);
CREATE INDEX ON app.t{n} (other_id);
"""


def main() -> None:
    with bench(__doc__) as b:
        statements = 500 if b.quick else 10_000
        _text_alone(b, statements)
        _facts(b, 1_000 if b.quick else 50_000)
        _graphs(range(1 if b.quick else 4))


# -- from the text alone -----------------------------------------------------------------------------------------------


def _text_alone(b: Bench, statements: int) -> None:
    linter, analyzer = squawk(), pgfence()
    _timed(b, [*OURS, "impact", "--help"], b.folder, {0})
    print(f"{linter}\n{analyzer}")
    for files in (200, 1):
        project, paths = _project(b.folder / f"mix{files}", statements, files)
        what = f"{statements} statements in {files} file{'s' if files > 1 else ''}"
        command = [*OURS, "impact", "--json", *([] if files > 1 else ["--file", str(paths[0])])]
        took = in_turns(
            b.rounds,
            lambda: _timed(b, command, project, {0}),  # noqa: B023
            lambda: _lint(b, linter, ["--reporter", "json"], project, paths),  # noqa: B023
            lambda: _lint(b, analyzer, ["analyze", "--format", "sql", "--output", "json"], project, paths),  # noqa: B023
        )
        if linter:
            verdict(what, took[0], took[1], "squawk", at_most=SQUAWK)
        if analyzer:
            verdict(what, took[0], took[2], "pgfence", at_least=PGFENCE)
        if not linter and not analyzer:
            print(f"{what}: ours {took[0]:.3f} s, nothing to compare it with")


def _project(folder: Path, statements: int, files: int) -> tuple[Path, list[Path]]:
    """A plan of one change a script."""
    paths = write_mix(folder / "deploy", statements, files)
    lines = ["%syntax-version=1.0.0", "%project=mix", "", *(f"{path.stem} {_WHO} # one" for path in paths)]
    (folder / "sqitch.plan").write_text("\n".join(lines) + "\n")
    (folder / "sqitch.conf").write_text("[core]\n\tengine = pg\n")
    return folder, paths


def _lint(b: Bench, peer: Peer, options: list[str], project: Path, paths: Sequence[Path]) -> float:
    return _timed(b, [*peer.command, *options, *map(str, paths)], project, {0, 1}) if peer else 0.0


def _timed(b: Bench, command: list[str], cwd: Path, good: set[int]) -> float:
    """Seconds of a whole process; what it prints goes to a file, as in CI."""
    with (b.folder / "said").open("w+b") as said:
        start = time.perf_counter()
        done = subprocess.run(
            command, cwd=cwd, env=b.environment(), stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT
        )
        seconds = time.perf_counter() - start
        if done.returncode not in good:
            said.seek(0)
            raise SystemExit(
                f"{command[:4]} ended with {done.returncode}:\n{said.read().decode(errors='replace')[-2000:]}"
            )
    return seconds


# -- facts of a server -------------------------------------------------------------------------------------------------


class _Counting:
    """A session as read_facts wants it, which counts the round trips."""

    def __init__(self, conninfo: str) -> None:
        self.connection = psycopg.connect(conninfo, autocommit=True)
        self.trips = 0

    def execute(self, sql: str, /) -> list[tuple[object, ...]]:
        self.trips += 1
        cursor = self.connection.execute(sql.encode())
        while cursor.nextset():
            pass
        return cursor.fetchall()


def _facts(b: Bench, crowd: int) -> None:
    small, large = _catalog(b, "bench_facts_small", 0), _catalog(b, "bench_facts_large", crowd)
    names = Names(all={Name("app", f"t{n}") for n in range(RELATIONS)})
    sessions = _Counting(small), _Counting(large)
    times: tuple[list[float], list[float]] = ([], [])
    for session in sessions:  # the first time fills the server's own caches
        facts = read_facts(session, names)
        assert sum(name.relation.startswith("t") for name in facts.relations) >= RELATIONS
        session.trips = 0
    rounds = 3 if b.quick else 15
    for _ in range(rounds):
        for session, taken in zip(sessions, times, strict=True):
            taken.append(_seconds(session, names)[0])
    milliseconds = [statistics.median(taken) * 1000 for taken in times]
    trips = sessions[0].trips / rounds
    print(
        f"facts of {RELATIONS} relations: {milliseconds[0]:.1f} ms, round trips: {trips:g}   "
        f"goal: one, below {FACTS_MS} ms: {'met' if trips == 1 and milliseconds[0] < FACTS_MS else 'NOT MET'}"
    )
    ratio = milliseconds[1] / milliseconds[0]
    print(
        f"the same with {crowd} more relations: {milliseconds[1]:.1f} ms   {ratio:.2f}x the time   "
        f"goal: at most {GROWTH:g}x: {'met' if ratio <= GROWTH else 'NOT MET'}"
    )
    for session in sessions:
        session.connection.close()
    for name in ("bench_facts_small", "bench_facts_large"):
        b.server.drop(name)


def _seconds(session: _Counting, names: Names) -> tuple[float, DatabaseFacts]:
    start = time.perf_counter()
    facts = read_facts(session, names)
    return time.perf_counter() - start, facts


def _catalog(b: Bench, name: str, crowd: int) -> str:
    """A database with the tables that will be asked for, and `crowd` other relations (half of them indexes)."""
    b.server.fresh(name)
    start = time.perf_counter()
    with psycopg.connect(b.server.conninfo(name), autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        connection.execute("CREATE SCHEMA app; CREATE SCHEMA crowd")
        for number in range(RELATIONS):
            connection.execute(_TABLE.format(n=number, other=max(number - 1, 0)).encode())
        if crowd:
            connection.execute(_MANY.replace("{tables}", str(crowd // 2)).encode())
        connection.execute("VACUUM ANALYZE")
    if crowd:
        print(f"preparing {crowd} relations: {time.perf_counter() - start:.1f} s")
    return b.server.conninfo(name)


# -- graphs ------------------------------------------------------------------------------------------------------------


def _graphs(seeds: range) -> None:
    """Seconds of processor time, the better of two tries for each statement."""
    slowest = (0.0, "")
    for seed in seeds:
        facts = random_graph(seed, GRAPH)
        for sql in statements_on(facts, seed):
            took = []
            for _ in range(2):
                start = time.process_time()
                predict_one(sql, facts)
                took.append(time.process_time() - start)
            slowest = max(slowest, (min(took), sql))
    print(
        f"graphs of {GRAPH} objects: {slowest[0]:.2f} s for {slowest[1]}   "
        f"goal: at most {GRAPH_S:g} s: {'met' if slowest[0] <= GRAPH_S else 'NOT MET'}"
    )


if __name__ == "__main__":
    main()
