"""`pgmig-tui rehearse`: the pending changes of an environment on a copy of its schema, measured."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from argparse import Namespace
from types import FrameType
from typing import TYPE_CHECKING

from pgmig_tui.cli import output
from pgmig_tui.cli.choose import environment_and_change
from pgmig_tui.display.cells import line
from pgmig_tui.display.safe import safe

if TYPE_CHECKING:
    from pgmig_tui.project.project import Project
    from pgmig_tui.project.targets import Target
    from pgmig_tui.rehearse.measured import Rehearsal


def rehearse(arguments: Namespace) -> int:
    """Exit status 1 when a script or a verification failed, or when reverts don't take everything back."""
    from pgmig_tui.rehearse.measured import to_json
    from pgmig_tui.rehearse.rehearsal import rehearse as carry_out
    from pgmig_tui.run.folder import default_state_dir
    from pgmig_tui.run.plan import Options

    project, environment, to = environment_and_change(arguments)
    server = _server(project, arguments.server)
    began = time.time()
    signal.signal(signal.SIGTERM, _interrupt)  # the copy has to be removed
    found = carry_out(
        project,
        environment,
        Options(to=to, variables=dict(arguments.variables)),
        state_dir=default_state_dir(os.environ),
        server=server,
        say=_tell,
    )
    if found is None:
        if arguments.json:
            output.document({"environment": environment.name, "ok": True, "scripts": []})
        else:
            output.say(line(("+ ", "done"), f"nothing is pending on {safe(environment.name)}"))
        return 0
    _note(project, found, began)
    if arguments.json:
        output.document(to_json(found))
    else:
        show(found)
    return 0 if found.ok else 1


def _note(project: Project, found: Rehearsal, began: float) -> None:
    """Remember which reverts took everything back, for whoever has to roll back. A file that was changed meanwhile
    (`began` is in Unix seconds) isn't the one that was rehearsed."""
    from pgmig_tui.run.events import utc
    from pgmig_tui.run.folder import default_state_dir
    from pgmig_tui.run.tried import note_rehearsed

    by_id = project.plan.by_id
    left = {one.change for one in found.schema_differences}
    for script in found.scripts:
        passed = script.action == "revert" and script.ok and script.change not in left
        if passed and script.change_id in by_id:
            path = project.script_path(by_id[script.change_id], "revert")
            with contextlib.suppress(OSError):
                if path.stat().st_mtime < began:
                    note_rehearsed(
                        default_state_dir(os.environ),
                        found.environment,
                        utc(time.time()),
                        script.change_id,
                        project.inside.read(path),
                    )


def show(found: Rehearsal) -> None:
    """Deploys and reverts as tables; the second deploy only where it failed."""
    from pgmig_tui.rehearse import words

    for told in words.opening(found):
        output.say(told)
    for script in found.scripts:
        if script.action == "redeploy" and script.ok:
            continue
        output.say()
        output.say(words.headline(script))
        rows = words.rows(script)
        if rows:
            output.table(words.HEADINGS, rows)
        for remark in words.remarks(script):
            output.say(remark)
    output.say()
    for told in words.closing(found):
        output.say(told)


def _server(project: Project, uri: str | None) -> Target | None:
    if uri is None:
        return None
    return project.environment(uri).target


def _tell(text: str) -> None:
    if sys.stderr.isatty():
        output.note(line((f"~ {safe(text)}", "muted")))


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
