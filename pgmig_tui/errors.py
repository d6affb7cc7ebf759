"""The errors of pgmig-tui: each says what failed, what is now true, and what to do next.

Exit statuses are those of the command line: 1 a step failed, 2 bad usage, project or configuration, 3 refused by a gate
or by the operator, 4 in doubt, 5 the server can't be reached.
"""

from __future__ import annotations

from collections.abc import Iterable


class PgmigError(Exception):
    """Root of all errors that are meant for a person.

    `what` failed (one sentence), what is `now` true ("nothing was changed"), what to `do` next, and `details`, one line
    each. All four may hold text of servers and files: whoever prints them passes them through `display.safe` first.
    """

    exit_status = 2

    def __init__(self, what: str, *, now: str = "", do: str = "", details: Iterable[str] = ()) -> None:
        super().__init__(what)
        self.what = what
        self.now = now
        self.do = do
        self.details = tuple(details)

    def __str__(self) -> str:
        return "\n".join(part for part in (self.what, *self.details, self.now, self.do) if part)


def in_a_line(text: str) -> str:
    """The lines of an error as the sentences of one line."""
    parts = (" ".join(part.split()) for part in text.splitlines())
    return " ".join(part if part.endswith((".", "!", "?", ":", ";")) else f"{part}." for part in parts if part)


class UsageError(PgmigError):
    """The command line asks for something that can't be."""


class ProjectError(PgmigError):
    """The project on disk (plan, configuration, scripts) can't be used."""


class StepFailure(PgmigError):
    """A step failed; its effects are named."""

    exit_status = 1


class NotPermitted(PgmigError):
    """The server's role lacks a right; `do` holds the GRANT that helps."""

    exit_status = 1


class Refused(PgmigError):
    """A gate, or the operator, said no. Nothing was changed."""

    exit_status = 3


class InDoubt(PgmigError):
    """A step may or may not have been applied."""

    exit_status = 4


class Unreachable(PgmigError):
    """The server can't be reached, or doesn't let us in."""

    exit_status = 5
