"""`pgmig-tui rehearse`: the pending changes of an environment on a copy of its schema, measured."""

from __future__ import annotations

import os
import signal
import sys
from argparse import Namespace
from types import FrameType
from typing import TYPE_CHECKING

from pgmig_tui.cli import output
from pgmig_tui.cli.choose import environment_and_change
from pgmig_tui.cli.progress import Advance, ProgressLine
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
    from pgmig_tui.review.rehearsing import note_rehearsal
    from pgmig_tui.run.journal.folder import default_state_dir
    from pgmig_tui.run.journal.run_plan import Options

    project, environment, to = environment_and_change(arguments)
    server = _server(project, arguments.server)
    interrupt_on_sigterm()  # the copy has to be removed
    bar = None if arguments.json else ProgressLine()

    def say(text: str) -> None:
        tell(text)
        if bar is not None:
            bar.show(Advance(f"rehearsing: {text}"))

    try:
        found = carry_out(
            project,
            environment,
            Options(to=to, variables=dict(arguments.variables)),
            state_dir=default_state_dir(os.environ),
            server=server,
            say=say,
        )
    finally:
        if bar is not None:
            bar.end()
    if found is None:
        if arguments.json:
            output.document({"environment": environment.name, "ok": True, "scripts": []})
        else:
            output.say(line(("+ ", "done"), f"nothing is pending on {safe(environment.name)}"))
        return 0
    note_rehearsal(project, found, default_state_dir(os.environ))
    if arguments.json:
        output.document(to_json(found))
    else:
        show(found)
    return 0 if found.ok else 1


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


def tell(text: str) -> None:
    """What goes on, where somebody looks."""
    if sys.stderr.isatty():
        output.note(line((f"~ {safe(text)}", "muted")))


def interrupt_on_sigterm() -> None:
    """SIGTERM ends us as Ctrl-C does: what we have made is removed."""
    signal.signal(signal.SIGTERM, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
