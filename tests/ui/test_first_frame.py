"""What may be imported before the first frame stands: nothing that talks to a server or parses SQL."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from pgmig_tui.cli import nothing_given
from pgmig_tui.cli.parser import parse

HEAVY = ("psycopg", "postgast", "sqlparse", "pygments", "google.protobuf")


def test_nothing_heavy_comes_before_the_first_frame() -> None:
    script = """
import asyncio, sys
from tests.ui.fakes import NOW, FakeSession
import pgmig_tui.ui.backend.project
from pgmig_tui.ui.app import PgmigApp

async def main():
    app = PgmigApp(FakeSession(), clock=lambda: NOW, asks=False)
    async with app.run_test(size=(100, 30)):
        assert "create_schema" in app.screen_text()
        print(*sorted(sys.modules), file=sys.__stdout__)

asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    loaded = done.stdout.split()
    assert "textual.app" in loaded
    assert [name for name in loaded if name.startswith(HEAVY)] == []


def test_how_a_run_is_told_is_not_read_before_there_is_one() -> None:
    """The classes of events alone take longer to make than the first frame may."""
    script = """
import os, sys
from pathlib import Path
from pgmig_tui.ui.app import PgmigApp
from pgmig_tui.ui.backend.project import ProjectSession
app = PgmigApp(ProjectSession(Path(), os.environ))
print(*sys.modules)
"""
    project = Path(__file__).parent.parent.parent
    env = {**os.environ, "PYTHONPATH": str(project), "XDG_CONFIG_HOME": os.devnull}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True, cwd=project, env=env
    )
    loaded = done.stdout.split()
    assert "pgmig_tui.ui.app" in loaded
    assert {"pgmig_tui.run.journal.events", "pgmig_tui.display.mask"} & set(loaded) == set()


def test_what_reviews_locks_and_approvals_are_is_not_made_before_one_is_asked_for() -> None:
    script = """
import sys, pgmig_tui.ui.app, pgmig_tui.ui.backend.project
from pgmig_tui.ui.backend import protocol
late = ("ui.backend.review_facts", "ui.backend.lock_facts", "ui.backend.approval_facts", "ui.destinations", "ui.router")
print([name for name in late if f"pgmig_tui.{name}" in sys.modules])
print(protocol.ReviewFacts.__module__, protocol.LockTree.__module__, hasattr(protocol, "Nothing"))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    backend = "pgmig_tui.ui.backend"
    assert done.stdout.splitlines() == ["[]", f"{backend}.review_facts {backend}.lock_facts False"]


def test_an_empty_command_line_is_read_as_the_parser_reads_it() -> None:
    assert vars(nothing_given()) == vars(parse([]))


def test_the_parser_comes_while_nobody_has_opened_a_change() -> None:
    script = """
import asyncio, sys, time
from tests.ui.fakes import NOW, FakeSession
from pgmig_tui.ui.app import PgmigApp

async def main():
    app = PgmigApp(FakeSession(), clock=lambda: NOW)
    async with app.run_test(size=(100, 30)):
        deadline = time.monotonic() + 30
        wanted = {"postgast", "pgmig_tui.gates.impacts", "pgmig_tui.impact.rules.alter_table"}
        while not wanted <= set(sys.modules) and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        print(*sorted(sys.modules), file=sys.__stdout__)

asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    loaded = done.stdout.split()
    assert {"postgast", "pgmig_tui.gates.impacts", "pgmig_tui.impact.rules.alter_table"} <= set(loaded)
    assert "pgmig_tui.ui.screens.change" not in loaded


def test_garbage_is_collected_from_the_first_frame_on() -> None:
    script = """
import asyncio, gc, sys
from tests.ui.fakes import NOW, FakeSession
from pgmig_tui.ui.app import PgmigApp, collect_garbage

async def main():
    gc.disable()
    app = PgmigApp(FakeSession(), clock=lambda: NOW, asks=False)
    app.drawn = lambda: (seen.append(app.screen_text()), collect_garbage())
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        print("create_schema" in seen[0], len(seen), gc.isenabled(), gc.get_freeze_count() > 0, file=sys.__stdout__)

seen = []
asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["True", "1", "True", "True"]
