"""The command line: parse, call, print. What a command does stands in the rooms below; a screen calls the same.

Importing this module costs nothing heavy; each command imports what it needs when it is called.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import Namespace

OpenScreen = Callable[["Namespace"], int]
"""Opens the screen on the project that the options name; the caller passes it in, since no command imports Textual."""

COMMANDS = {
    "demo": "demo",
    "serve": "serve",
    "status": "status",
    "plan": "items",
    "log": "items",
    "show": "show",
    "tag": "author",
    "config": "settings",
    "engine": "settings",
    "target": "settings",
    "help": "help",
    "upgrade": "upgrade",
    "init": "author_more",
    "add": "author",
    "rework": "author",
    "new": "new",
    "rebase": "rebase",
    "checkout": "author_more",
    "bundle": "author_more",
    "rename": "author_more",
    "review": "approve",
    "approve": "approve",
    "check": "lists",
    "after": "lists",
    "answer": "lists",
    "accept": "accept",
    "hooks": "hooks",
    "runs": "read",
    "history": "history",
    "maintain": "maintain",
    "audit": "history",
    "impact": "impact",
    "lint": "lint",
    "rehearse": "rehearse",
    "test": "test",
    "drift": "drift",
    "compare": "compare",
    "document": "document",
    "roles": "roles",
    "watch": "watch",
    "deploy": "carry_out",
    "revert": "carry_out",
    "verify": "carry_out",
    "attach": "attach",
    "rollback": "rollback",
    "undo": "undo",
    "report": "report",
    "reconcile": "reconcile",
    "backfill": "backfill",
    "completion": "completion",
    "locks": "locks",
}
_SHORT = ("status", "plan")
"""Commands that read much, free nothing and end: collecting garbage meanwhile only costs time on a large plan."""


def main(argv: Sequence[str], open_screen: OpenScreen) -> int:
    """Carry out one command line. Returns the exit status (see `pgmig_tui.errors`); raises only SystemExit."""
    if argv[:1] == ["_complete"]:
        from pgmig_tui.cli.complete import complete

        return complete("".join(argv[1:2]))
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        status = _run(argv, open_screen)
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # Whoever read us has seen enough. The interpreter flushes once more at exit, and that must find a place too.
        from pgmig_tui.cli import output

        output.silence(sys.stdout)
        return 0
    except KeyboardInterrupt:
        print(f"\n{_interrupted()}", file=sys.stderr)
        return 130
    except Exception as error:
        from pgmig_tui.cli.failures import tell

        return tell(error)


def _interrupted() -> str:
    """What is true after Ctrl-C. Only what is loaded can have changed anything."""
    identity = sys.modules.get("pgmig_tui.database.identity")
    if identity is None or not identity.may_have_changed():
        return "Interrupted; nothing was changed."
    return "Interrupted; whether the last change was made isn't known. Run the command again: it looks first."


def nothing_given() -> Namespace:
    """What the parser makes of an empty command line. The screen opens sooner without making the parser."""
    from argparse import Namespace

    names = ("command", "directory", "plan_file", "top_dir", "registry", "engine", "client")
    return Namespace(**dict.fromkeys(names), quiet=False, verbose=0)


def _run(argv: Sequence[str], open_screen: OpenScreen) -> int:
    if not argv:
        return open_screen(nothing_given())
    from pgmig_tui.cli.parser import parse

    arguments = parse(argv)
    if arguments.quiet or arguments.verbose or arguments.client:
        _speak(arguments)
    if getattr(arguments, "variables", ()):
        from pgmig_tui.cli import output

        output.hide_values(dict(arguments.variables))
    if arguments.directory is not None:
        _change_folder(arguments.directory)
    if arguments.command is None:
        return open_screen(arguments)
    if arguments.command in _SHORT:
        gc.disable()
    module = import_module(f"pgmig_tui.cli.{COMMANDS[arguments.command]}")
    if arguments.command == "demo":
        return int(module.demo(arguments, open_screen))
    return int(getattr(module, arguments.command)(arguments))


def _speak(arguments: Namespace) -> None:
    from pgmig_tui.cli import output

    output.set_volume(quiet=arguments.quiet, verbose=arguments.verbose)
    if arguments.client and arguments.command != "init":
        output.warn("--client is ignored: pgmig-tui speaks to the server itself and runs no psql")


def _change_folder(directory: str) -> None:
    from pgmig_tui.errors import UsageError

    try:
        os.chdir(Path(directory).expanduser())
    except OSError as error:
        raise UsageError(
            f"The folder {directory} can't be entered: {error.strerror or error}.",
            now="Nothing was done.",
            do="Give the folder of a Sqitch project with -C DIR.",
        ) from error
