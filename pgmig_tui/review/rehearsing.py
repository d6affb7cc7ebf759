"""What comes after a rehearsal, for the command and for the screen: it is kept, and told."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pgmig_tui.display.cells import Line, line, text_of

if TYPE_CHECKING:
    from pathlib import Path

    from pgmig_tui.project.project import Project
    from pgmig_tui.rehearse.measured import Rehearsal


def note_rehearsal(project: Project, found: Rehearsal, state_dir: Path) -> None:
    """Keep what was rehearsed, for whoever deploys or has to roll back: scripts that passed, and of reverts those that
    took everything back."""
    from pgmig_tui.review.tests_kept import keep_rehearsal
    from pgmig_tui.run.journal.entry import utc
    from pgmig_tui.run.journal.rehearsed import Reached, Rehearsed, note

    left = {one.change for one in found.schema_differences}
    rows = [
        Rehearsed(
            utc(time.time()),
            found.environment,
            script.change_id,
            script.script_hash,
            script.action,
            script.schema,
            script.after,
            str(project.operator),
            found.where,
            found.version_num,
            script.ms,
            tuple(
                Reached(
                    one.line,
                    one.path,
                    one.kind,
                    tuple((str(lock.name), lock.mode.pg_name) for lock in one.measured.locks if not lock.new),
                    tuple(str(name) for name in one.measured.rewrites),
                    one.measured.ms,
                    one.measured.seen != "not",
                )
                for one in script.statements
            ),
        )
        for script in found.scripts
        if script.script_hash and script.action != "redeploy"
        if script.action == "deploy" or script.change not in left
    ]
    with contextlib.suppress(OSError):
        note(state_dir, rows)
    keep_rehearsal(project, found, state_dir)


def rehearsal_lines(found: Rehearsal) -> Iterator[Line]:
    """All of it in lines, safe to draw: each script, its statements with what was measured, and what is to be said."""
    from pgmig_tui.rehearse import words

    yield from words.opening(found)
    for script in found.scripts:
        if script.action == "redeploy" and script.ok:
            continue
        yield ()
        yield words.headline(script)
        for row in words.rows(script):
            cells = [one if isinstance(one, str) else text_of(one) for one in row]
            yield line(("  ", "plain"), "  ".join(cell for cell in cells if cell))
        yield from words.remarks(script)
    yield ()
    yield from words.closing(found)
