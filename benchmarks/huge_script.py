"""One huge script (150,000 INSERTs and 600,000 rows of COPY) and one long plan (50,000 changes).

The script is deployed by the real sqitch, by the bare `psql -f`, and by ours. From Enter to exit ours may take sqitch's
time, its run process 1.2 times psql's, and neither of our two processes more than 150 MB. `plan` prints 50,000 changes
in under 3 s; the real sqitch's time is told beside.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path

from bench_statements import run_seconds
from common import OURS, Took, bench, in_turns, need_sqitch, psql, verdict

MEGABYTES, PLAN_SECONDS = 150, 3


def main() -> None:
    need_sqitch()
    with bench(__doc__) as b:
        inserts, copied, changes = (1_500, 6_000, 500) if b.quick else (150_000, 600_000, 50_000)
        project = write_script(b.folder / "huge", inserts, copied)
        client = [psql(), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(project / "deploy" / "rows.sql"), "-d"]
        whole: list[Took] = []
        run_process = Peak()

        def bare() -> float:
            b.server.fresh("bench_huge")
            return b.run([*client, b.server.conninfo("bench_huge")], project).seconds

        def sqitch() -> float:
            return b.run(["sqitch", "deploy", "--no-verify", "--target", b.server.fresh("bench_huge")], project).seconds

        def ours() -> float:
            uri = b.server.fresh("bench_huge")
            with run_process:
                whole.append(b.run([*OURS, "deploy", "--yes", "--no-verify", "--json-lines", "--target", uri], project))
            found = b.server.execute("SELECT count(*) FROM public.items", "bench_huge")
            assert found == [(inserts + copied,)], found
            return whole[-1].seconds

        psql_took, sqitch_took, ours_took = in_turns(b.rounds, bare, sqitch, ours)
        run_took = min(run_seconds(one.output) for one in whole)
        verdict("a huge script, from Enter to exit", ours_took, sqitch_took, "sqitch", at_most=1)
        verdict("a huge script, its run process", run_took, psql_took, "psql", at_most=1.2)
        peaks = max(one.megabytes for one in whole), run_process.megabytes
        print(f"{'':<34} at most {peaks[0]:.0f} MB in the command, {peaks[1]:.0f} MB in the run; goal: {MEGABYTES} MB")
        b.server.drop("bench_huge")

        folder = write_plan(b.folder / "long", changes)
        plan_took, their_plan = in_turns(
            b.rounds, lambda: b.run([*OURS, "plan"], folder).seconds, lambda: b.run(["sqitch", "plan"], folder).seconds
        )
        verdict(f"a plan of {changes} changes", plan_took, their_plan, "sqitch", at_most=PLAN_SECONDS / their_plan)


class Peak:
    """The most memory, in MB, that a run process of ours has had; looked at while the block runs (Linux)."""

    def __init__(self) -> None:
        self.megabytes = 0.0

    def __enter__(self) -> None:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.05):
            for process in Path("/proc").glob("[0-9]*"):
                with suppress(OSError):
                    if b"pgmig_tui.run\0" in (process / "cmdline").read_bytes():
                        status = (process / "status").read_text()
                        kilobytes = int(status.partition("VmHWM:")[2].split()[0])
                        self.megabytes = max(self.megabytes, kilobytes / 1024)


def write_script(folder: Path, inserts: int, copied: int) -> Path:
    """A project of one change: a table, its rows one INSERT each, then many more by COPY."""
    for kind in ("deploy", "revert", "verify"):
        (folder / kind).mkdir(parents=True)
    with (folder / "deploy" / "rows.sql").open("w") as out:
        out.write("BEGIN;\nCREATE TABLE public.items (id int, name text, price numeric, at timestamptz, note text);\n")
        for n in range(inserts):
            note = (f"'no. {n}: ${n}.00 -- /* {n} */'", f"E'it\\'s\t{n}'", "NULL")[n % 3]  # as dumps of real rows have
            out.write(
                f"INSERT INTO public.items (id, name, price, at, note) VALUES ({n}, 'item number {n}', {n % 97}.50,"
                f" '2024-02-29 {n % 24:02}:{n % 60:02}:07.5+00', {note});\n"
            )
        out.write("COPY public.items (id, name, price, at, note) FROM stdin;\n")
        for n in range(copied):
            out.write(f"{n}\titem number {n}\t{n % 97}.50\t2024-02-29 {n % 24:02}:07:00+00\t\\N\n")
        out.write("\\.\nCOMMIT;\n")
    (folder / "revert" / "rows.sql").write_text("DROP TABLE public.items;\n")
    return _project(folder, ["rows"])


def write_plan(folder: Path, changes: int) -> Path:
    folder.mkdir()
    return _project(folder, [f"change_{n:05d}" for n in range(changes)])


def _project(folder: Path, changes: list[str]) -> Path:
    lines = [f"{name} 2024-01-01T00:00:00Z Bench Mark <bench@example.com> # the note of {name}\n" for name in changes]
    (folder / "sqitch.plan").write_text("%syntax-version=1.0.0\n%project=huge\n\n" + "".join(lines))
    (folder / "sqitch.conf").write_text("[core]\n\tengine = pg\n")
    return folder


if __name__ == "__main__":
    main()
