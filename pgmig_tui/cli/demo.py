"""`pgmig-tui demo`: a server of its own with three databases of the sample project, then the screen on it."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from typing import TYPE_CHECKING

from pgmig_tui.cli import output
from pgmig_tui.display.safe import safe

if TYPE_CHECKING:
    from pgmig_tui.cli import OpenScreen

SHOWN = "production"
"""The environment whose next change is told of when there is no terminal for the screen."""


def demo(arguments: Namespace, open_screen: OpenScreen) -> int:
    """Without a terminal: the status matrix and the impact of the next change for production, in words. `--path` sees
    that it is there, and prints the folder of its project alone."""
    from pgmig_tui.demo import project as rehearsal

    if arguments.stop:
        output.say("The demonstration's server is stopped." if rehearsal.stop() else "It wasn't running.")
        return 0
    paths = rehearsal.prepare(arguments.reset, say=lambda text: output.note(safe(text)))
    if arguments.path:
        output.say(safe(str(paths.project)))
        return 0
    environment = paths.environment(os.environ)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(paths.project)
    for name in ("plan_file", "top_dir", "registry"):
        setattr(arguments, name, None)
    if sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb":
        status = open_screen(arguments)
    else:
        status = _tell()
    output.note(f"The demonstration's project is in {safe(str(paths.project))}: commands can be tried there.")
    return status


def _tell() -> int:
    from pgmig_tui.cli.choose import environment_named, project_here
    from pgmig_tui.cli.impact import show
    from pgmig_tui.cli.parser import parse
    from pgmig_tui.cli.status import status
    from pgmig_tui.database.connect import application_name, connect
    from pgmig_tui.gates.impacts import inspect, pending, reading, sources

    asked = parse(["status"])
    answered = status(asked)
    project, environment = environment_named(project_here(asked), SHOWN)
    with connect(environment.target, application_name=application_name("demo", "impact")) as connection:
        following = pending(project, environment, connection)[:1]
        how = reading(project, "deploy", environment, connection, {})
        found = inspect(sources(project, following, "deploy"), how, connection)
    output.say()
    show(found, "table", how.server.version_num, environment)
    return answered
