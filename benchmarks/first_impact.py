"""From the key that opens a change to the first finding of its script, and to the last one, on a screen of 120 x 40.

The script has 5,000 lines of DDL, and another 50,000. The screen is the real one, driven by Textual's pilot: with the
parser loaded already, as when the home screen has looked at a change before; in a fresh process half a second after its
first frame, which is as soon as a person gets there; and at once with the first frame, where the look has to load the
parser. Needs no server: the text speaks alone, which is what is shown first with one, too.

Goal: the first impact of 5,000 lines within 0.3 s.
"""

from __future__ import annotations

import asyncio
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from common import Bench, bench
from ddl_mix import write_mix

GOAL_MS, LINES = 300, (5_000, 50_000)
STARTS = {"loaded": "parser loaded", "person": "fresh process, after 0.5 s", "fresh": "fresh process, at once"}
DEADLINE_S = 120
_WHO = "2024-01-01T00:00:00Z Bench Mark <bench@example.com>"


def main() -> None:
    if os.environ.get("FIRST_IMPACT_OF"):
        print(*asyncio.run(_once(Path(os.environ["FIRST_IMPACT_OF"]), os.environ["START"])))
        return
    with bench(__doc__, rounds=5, server=False) as b:
        for lines in LINES[:1] if b.quick else LINES:
            folder = _project(b.folder / f"lines{lines}", lines)
            for start, words in STARTS.items():
                times = [_measured(b, folder, start) for _ in range(b.rounds)]
                first, whole = (statistics.median(column) for column in zip(*times, strict=True))
                goal = (
                    f"   goal: below {GOAL_MS} ms: {'met' if first < GOAL_MS else 'NOT MET'}" if lines == 5_000 else ""
                )
                print(f"{lines} lines, {words}: first impact {first:.0f} ms, all of it {whole:.0f} ms{goal}")


def _project(folder: Path, lines: int) -> Path:
    """Two changes: a small one, to have been looked at, and one of so many lines."""
    write_mix(folder / "deploy", lines, 1)
    script = folder / "deploy" / "m0000.sql"
    script.write_text("\n".join(script.read_text().split("\n")[: lines - 2]).rpartition(";")[0] + ";\nCOMMIT;\n")
    (folder / "deploy" / "a.sql").write_text("BEGIN;\nALTER TABLE t ADD COLUMN c int;\nCOMMIT;\n")
    (folder / "sqitch.plan").write_text(f"%syntax-version=1.0.0\n%project=mix\n\na {_WHO} # a\nm0000 {_WHO} # m\n")
    (folder / "sqitch.conf").write_text('[core]\n\tengine = pg\n[target "dev"]\n\turi = db:pg://127.0.0.1:1/none\n')
    return folder


def _measured(b: Bench, folder: Path, start: str) -> tuple[float, float]:
    environment = b.environment(FIRST_IMPACT_OF=str(folder), START=start)
    done = subprocess.run([sys.executable, __file__], env=environment, capture_output=True, text=True, check=True)
    first, whole = map(float, done.stdout.split())
    return first, whole


async def _once(folder: Path, how: str) -> tuple[float, float]:
    """Milliseconds from the key to the first finding, and to the whole."""
    from pgmig_tui.ui.app import PgmigApp
    from pgmig_tui.ui.backend.project import ProjectSession

    session = ProjectSession(folder, os.environ)
    if how == "loaded":
        session.impact(session.facts.plan[0].change_id, "deploy", "", live=False)
    app = PgmigApp(session, asks=how == "person")  # its environment gives no answer

    async def until(pattern: str, ready: Callable[[], bool] = lambda: True) -> float:
        deadline = time.perf_counter() + DEADLINE_S
        while not (ready() and re.search(pattern, app.screen_text())):  # reading the screen takes its time, too
            if time.perf_counter() > deadline:
                raise SystemExit(f"no {pattern!r} on:\n{app.screen_text()}")
            await asyncio.sleep(0.005)
        return time.perf_counter()

    async with app.run_test(size=(120, 40)) as pilot:
        await until("> m0000")  # the newest change is where the cursor begins
        if how == "person":
            await asyncio.sleep(0.5)
        start = time.perf_counter()
        pressed = asyncio.create_task(pilot.press("enter"))  # it waits until nothing moves any more
        first = await until(r" L\d+ [A-Z]{4,}", lambda: bool(_pane(app)))
        whole = await until(r"(?s)\[deploy\](?!.*reading on)", lambda: not _pane(app).facts.upto)
        await pressed
    return (first - start) * 1000, (whole - start) * 1000


def _pane(app: Any) -> Any:
    """What the change screen knows, None when it isn't open or knows nothing yet."""
    return next(iter(getattr(app.screen, "_panes", {}).values()), None)


if __name__ == "__main__":
    main()
