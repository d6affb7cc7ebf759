"""What a statement costs on its way: 20,000 INSERT statements deployed by ours against `psql -f` of the same file.

Once in one transaction, once without (each statement commits, and ours writes its journal around each). What counts is
the run process, from its first event to its last; the whole command, which reads the script, reviews its locks and
follows the run, is told too. Goal: at most twice the time of psql.
"""

from __future__ import annotations

import json
import statistics
from datetime import datetime
from pathlib import Path

from common import OURS, bench, in_turns, psql, verdict

GOAL = 2


def main() -> None:
    with bench(__doc__) as b:
        statements = 1000 if b.quick else 20_000
        for name, begin, end in (("one transaction", "BEGIN;\n", "COMMIT;\n"), ("autocommit", "", "")):
            project = write_script(b.folder / name.split()[0], statements, begin, end)
            deploy = project / "deploy" / "inserts.sql"
            client = [
                psql(),
                "-X",
                "-q",
                "-v",
                "ON_ERROR_STOP=1",
                "-f",
                str(deploy),
                "-d",
                b.server.conninfo("bench_rows"),
            ]

            def theirs(client: list[str] = client, project: Path = project) -> float:
                b.server.fresh("bench_rows")
                return b.run(client, project).seconds

            whole: list[float] = []

            def ours(project: Path = project, whole: list[float] = whole) -> float:
                uri = b.server.fresh("bench_rows")
                took = b.run([*OURS, "deploy", "--yes", "--no-verify", "--json-lines", "--target", uri], project)
                whole.append(took.seconds)
                assert b.server.execute("SELECT count(*) FROM public.items", "bench_rows") == [(statements,)]
                return run_seconds(took.output)

            psql_took, ours_took = in_turns(b.rounds, theirs, ours)
            verdict(f"{statements} INSERTs, {name}", ours_took, psql_took, "psql", at_most=GOAL)
            print(f"{'':<34} the whole command took {statistics.median(whole):.3f} s")
        b.server.drop("bench_rows")


def run_seconds(journal: str) -> float:
    """From the run process's first event to its last."""
    events = [json.loads(line) for line in journal.splitlines() if line.startswith("{")]
    at = {event["event"]: datetime.fromisoformat(event["at"]) for event in events}
    return (at["run_finished"] - at["run_planned"]).total_seconds()


def write_script(folder: Path, statements: int, begin: str, end: str) -> Path:
    """A project of one change: a table and its rows, one INSERT each."""
    for kind in ("deploy", "revert", "verify"):
        (folder / kind).mkdir(parents=True)
    rows = "".join(
        f"INSERT INTO public.items (id, name, price) VALUES ({n}, 'item number {n}', {n % 97}.50);\n"
        for n in range(statements)
    )
    table = "CREATE TABLE public.items (id int, name text, price numeric);\n"
    (folder / "deploy" / "inserts.sql").write_text(begin + table + rows + end)
    (folder / "revert" / "inserts.sql").write_text("DROP TABLE public.items;\n")
    (folder / "sqitch.plan").write_text(
        "%syntax-version=1.0.0\n%project=rows\n\ninserts 2024-01-01T00:00:00Z Bench Mark <bench@example.com> # rows\n"
    )
    (folder / "sqitch.conf").write_text("[core]\n\tengine = pg\n")
    return folder


if __name__ == "__main__":
    main()
