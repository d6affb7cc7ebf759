"""What tracking adds to the record of a step: off, and with chain, for a step of one statement and one of twenty; and
how long 100,000 rows of the record take to be verified.

Only the record is timed, as it goes out: one message of BEGIN, a row of another table, the guard, the record, COMMIT.
What a step costs beside is the same without tracking. It is the processor time of the session's server process, by
Linux's scheduler: that of the clock is told beside it, and what else the machine does falls on it.
Goals: at most 0.3 ms on a step of one statement, 0.6 ms on one of twenty; under 5 s.
"""

from __future__ import annotations

import statistics
import time
from pathlib import Path

from common import bench

from pgmig_tui.database.chain import read_chain
from pgmig_tui.database.connect import Connection, connect
from pgmig_tui.database.identity import let_write
from pgmig_tui.database.rows import record_sql
from pgmig_tui.database.tracking import prepare_tracking, read_tracking
from pgmig_tui.database.tracking_rows import AuditRow, Migration, record_call
from pgmig_tui.project.identity import Operator
from pgmig_tui.run.journal.run_plan import Endpoint

OPERATOR = Operator("Bench Mark", "bench@example.com")
GUARD = "guard AS MATERIALIZED (SELECT pg_catalog.clock_timestamp() AS at)"
WRITTEN = "INSERT INTO public.other VALUES (1)"
GOALS_MS = {1: 0.3, 20: 0.6}
VERIFIED_ROWS, VERIFIED_S = 100_000, 5.0
AT = "2026-01-02T03:04:05.678Z"


def main() -> None:
    with bench(__doc__) as b:
        b.server.fresh("tracking_cost")
        conninfo = {**b.server.parameters, "dbname": "tracking_cost"}
        with connect(Endpoint("bench", conninfo), application_name="pgmig/bench/control") as session:
            let_write(session, scratch=True)
            session.execute("CREATE TABLE public.other (a int)")
            prepare_tracking(session, read_tracking(session, "pgmig"))
            steps = 50 if b.quick else 300
            for statements, goal in GOALS_MS.items():
                added, by_clock = cost(session, statements, steps)
                said = "met" if added <= goal else "MISSED"
                print(
                    f"step of {statements:2}: tracking adds {added:.3f} ms of processor time (goal {goal} ms: {said}),"
                    f" {by_clock:.3f} ms by the clock"
                )
            verify(session, 2_000 if b.quick else VERIFIED_ROWS)
        b.server.drop("tracking_cost")


def cost(session: Connection, statements: int, steps: int) -> tuple[float, float]:
    """What tracking adds to a step (milliseconds): processor time of the server, the smallest of five turns each, and
    by the clock the median step."""
    (pid,) = session.one("SELECT pg_catalog.pg_backend_pid()") or (0,)
    clock: dict[str, list[float]] = {"off": [], "on": []}
    processor: dict[str, list[float]] = {"off": [], "on": []}
    for _ in range(5):
        for name, times in clock.items():
            before = on_processor_ms(pid)
            for number in range(steps):
                record = record_sql(GUARD, call=call(number, statements) if name == "on" else "")
                text = f"BEGIN; {WRITTEN}; {record}; COMMIT"
                start = time.perf_counter()
                session.results(text)
                times.append((time.perf_counter() - start) * 1000)
            processor[name].append((on_processor_ms(pid) - before) / steps)
    return (
        min(processor["on"]) - min(processor["off"]),
        statistics.median(clock["on"]) - statistics.median(clock["off"]),
    )


def on_processor_ms(pid: int) -> float:
    return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[0]) / 1e6


def call(number: int, statements: int) -> str:
    step = Migration(
        f"{number:040x}", f"change_{number}", "deploy", "the note of a change", True, 1.5, project="bench",
        run_id="20260102-030405-abcd", environment="production", verified=True, rows=0, started_at=AT,
        hashes={"deploy": "a" * 64, "revert": "b" * 64, "verify": "c" * 64},
    )  # fmt: skip
    row = AuditRow(
        "CREATE", "TABLE", "public.t", "deploy/t.sql:3", "CREATE TABLE public.t (id int PRIMARY KEY, name text)", AT,
        AT, 1.5, "deploy/t.sql", 3, 0, "", (("TABLE", "public.t", ""),),
    )  # fmt: skip
    return record_call("pgmig", step, [row] * statements, OPERATOR)


def verify(session: Connection, rows: int) -> None:
    for first in range(0, rows // 21, 200):
        calls = ", ".join(call(number, 20) for number in range(first, min(first + 200, rows // 21)))
        session.execute(f"SELECT {calls}")
    (count,) = session.one("SELECT (SELECT count(*) FROM pgmig.schema_audit)") or (0,)
    start = time.perf_counter()
    chain = read_chain(session, "pgmig")
    took = time.perf_counter() - start
    if chain is None or not chain.whole:
        raise SystemExit("the chain isn't whole")
    said = "met" if took < VERIFIED_S else "MISSED"
    print(f"verified {count + chain.links:,} rows in {took:.2f} s (goal {VERIFIED_S:.0f} s: {said})")


if __name__ == "__main__":
    main()
