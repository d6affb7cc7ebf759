"""The operator's own editor, called from a command at a terminal: for a note, or for scripts that were made."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.cli.ask import somebody_is_there
from pgmig_tui.cli.output import warn
from pgmig_tui.errors import ProjectError, Refused, UsageError

if TYPE_CHECKING:
    from pgmig_tui.project.project import Project

_NOTHING = "Nothing was changed."


def editor_of(project: Project) -> str:
    """$SQITCH_EDITOR, core.editor, $VISUAL, $EDITOR, or vi, as in Sqitch; but no program that the project's own
    configuration names, which may be a stranger's."""
    configured = project.config.value("core.editor")
    own = configured is not None and configured.path != project.config.local_file
    env = project.env
    return (
        env.get("SQITCH_EDITOR")
        or (configured.text if own and configured is not None else "")
        or env.get("VISUAL")
        or env.get("EDITOR")
        or "vi"
    )


def edit(project: Project, files: Sequence[Path]) -> None:
    """Open files in the editor until it ends; where that can't be, say so: what was written stays."""
    if not somebody_is_there():
        warn("nobody is there to edit the scripts: no editor was opened")
        return
    try:
        _run(project, files)
    except ProjectError as error:
        warn(f"{error.what} The scripts are there all the same.")


def ask_note(project: Project, command: str, what: Sequence[str]) -> str:
    """The note that a person writes in the editor, without the lines that begin with #. `what` is shown there. Raises
    UsageError where nobody is there, Refused for an empty note, ProjectError where the editor fails."""
    if not somebody_is_there():
        raise UsageError(f"{command} needs a note.", now=_NOTHING, do="Say -n NOTE.")
    shown = [
        "Please enter a note. Lines starting with '#' are left out,",
        f"and an empty note ends the {command} without a change.",
        *what,
    ]
    descriptor, name = tempfile.mkstemp(prefix="pgmig-note-", suffix=".txt")
    path = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write("\n" + "".join(f"# {text}\n" for text in shown))
        _run(project, [path])
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ProjectError("The note is not valid UTF-8.", now=_NOTHING, do="Save it as UTF-8.") from None
    finally:
        path.unlink(missing_ok=True)
    note = "".join(one for one in text.splitlines(keepends=True) if not one.lstrip().startswith("#"))
    if not note.strip():
        raise Refused("The note is empty.", now=_NOTHING)
    return note.strip("\n\x0b\x0c\r\x85\u2028\u2029")


def _run(project: Project, files: Sequence[Path]) -> None:
    editor = editor_of(project)
    try:
        words = shlex.split(editor)
        done = subprocess.run([*words, *map(str, files)], cwd=project.root, check=False)
    except (OSError, ValueError) as error:
        raise ProjectError(
            f"The editor {editor} can't be started: {getattr(error, 'strerror', None) or error}.",
            now=_NOTHING,
            do="Set EDITOR, or say the note with -n.",
        ) from None
    if done.returncode:
        raise ProjectError(
            f"The editor {editor} ended with status {done.returncode}.", now=_NOTHING, do="Set EDITOR, and try again."
        )
