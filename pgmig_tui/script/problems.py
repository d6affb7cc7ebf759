"""What can be wrong with a script, each with its file and line as psql counts them (from 1)."""

from __future__ import annotations

from pgmig_tui.errors import PgmigError


class ScriptError(PgmigError):
    """psql would stop here: an unknown command, a missing file, an `\\if` without its `\\endif`.

    `path` is the name by which the script was opened (relative to the project), `line` counts from 1.
    """

    def __init__(self, path: str, line: int, message: str, *, do: str = "") -> None:
        super().__init__(f"{path}:{line}: {message}", do=do)
        self.path = path
        self.line = line
        self.message = message


class ScriptRefused(ScriptError):
    """psql would do it, we don't: a shell command, a file outside the project, another database."""


class ScriptUnbounded(ScriptError):
    """The script goes on beyond a bound: nothing behind this place is looked at."""
