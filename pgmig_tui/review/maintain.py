"""Regular maintenance of an environment: every section of it, one by one as it answers. Nothing is changed.

The screen and the command line ask here. What can't be asked is a section that is UNKNOWN, which is never green.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.database.connect import Connection, application_name, connect
from pgmig_tui.display import words
from pgmig_tui.errors import PgmigError, Unreachable, in_a_line
from pgmig_tui.review.maintain_documents import documents_section
from pgmig_tui.review.maintain_drill import drill_section
from pgmig_tui.review.maintain_facts import (
    OF_SERVER,
    TITLES,
    LastReview,
    MaintainFinding,
    Maintenance,
    Section,
    SectionName,
    unknown,
)
from pgmig_tui.review.maintain_kept import compared, folder_of, keep_review, read_reviews
from pgmig_tui.review.maintain_old import old_section
from pgmig_tui.review.maintain_record import history_section, retention_section

if TYPE_CHECKING:
    from pgmig_tui.database.identity import ServerIdentity
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project
    from pgmig_tui.review.maintain_kept import Reviewed

__all__ = [
    "OF_SERVER",
    "SECTIONS",
    "TITLES",
    "LastReview",
    "MaintainFinding",
    "Maintenance",
    "Section",
    "SectionName",
    "asking",
    "maintain",
    "reviewed",
]  # fmt: skip

SECTIONS: tuple[SectionName, ...] = tuple(TITLES)
CONNECT_TIMEOUT_S = 5
_TIMEOUT_SQL = "SET statement_timeout = '30s'"
_LOCK_TIMEOUT_MS = 2000
_NEEDS_SERVER = OF_SERVER | {"drill"}


def asking(names: Sequence[SectionName] = SECTIONS) -> tuple[Section, ...]:
    """The sections as they stand before they have answered."""
    return tuple(unknown(name, "not answered yet") for name in names)


def maintain(
    project: Project,
    environment: Environment,
    *,
    state_dir: Path,
    names: Sequence[SectionName] = SECTIONS,
    heard: Callable[[Section], None] = lambda section: None,
) -> Maintenance:
    """Ask for all these sections, in the order of SECTIONS. `heard` is told each as it comes. Raises nothing for the
    server: what can't be asked is UNKNOWN, and `unreachable` says why."""
    work = _Maintaining(project, environment, state_dir)
    found = []
    with ExitStack() as stack:
        if any(name in _NEEDS_SERVER for name in names):
            work.open(stack)
        for name in (one for one in SECTIONS if one in names):
            one = compared(work.section(name), work.reviews.get(name))
            found.append(one)
            heard(one)
    asked_at = words.iso(work.now)
    return Maintenance(environment.name, asked_at, tuple(found), work.identity, work.unreachable)


def reviewed(project: Project, environment: Environment, found: Maintenance, state_dir: Path) -> None:
    """Keep that the project's operator has gone through what was found: from here on only what is new counts as new.

    Raises Unreachable where the server didn't answer, OSError.
    """
    if found.server is None:
        raise Unreachable(found.unreachable or "the server was not asked", do="Try again when it answers.")
    folder = folder_of(environment, found.server, state_dir)
    keep_review(folder, found.sections, str(project.operator), found.server.role)


def for_primary(found: Section, *, standby: bool) -> Section:
    """Of a standby, with the note that what finishes its findings can't be run there."""
    if not standby or not any(one.sql for one in found.findings):
        return found
    note = "this server is a standby: the statements are for its primary, those about its own slots apart"
    return replace(found, notes=(*found.notes, note))


class _Maintaining:
    """One look at an environment: its session, and what was kept of the look before."""

    def __init__(self, project: Project, environment: Environment, state_dir: Path) -> None:
        self._project, self._environment, self._state_dir = project, environment, state_dir
        self._connection: Connection | None = None
        self.now = datetime.now(UTC)
        self.identity: ServerIdentity | None = None
        self.reviews: dict[str, Reviewed] = {}
        self.unreachable = ""

    def open(self, stack: ExitStack) -> None:
        try:
            connection = stack.enter_context(
                connect(
                    self._environment.target,
                    application_name=application_name("maintain", "read"),
                    connect_timeout=CONNECT_TIMEOUT_S,
                    lock_timeout_ms=_LOCK_TIMEOUT_MS,
                )
            )
            connection.execute(_TIMEOUT_SQL)
            self.identity = connection.identity()
        except PgmigError as error:
            self.unreachable = in_a_line(error.what)
            return
        self._connection = connection
        self.reviews = read_reviews(folder_of(self._environment, self.identity, self._state_dir))

    def section(self, name: SectionName) -> Section:
        if name in _NEEDS_SERVER and (self._connection is None or self.identity is None):
            return unknown(name, self.unreachable)
        try:
            found = self._asked(name)
            return found if self.identity is None else for_primary(found, standby=self.identity.standby)
        except Unreachable as error:
            if name in _NEEDS_SERVER:
                self.unreachable, self._connection = in_a_line(error.what), None
            return unknown(name, in_a_line(error.what))
        except PgmigError as error:
            return unknown(name, in_a_line(error.what))

    def _asked(self, name: SectionName) -> Section:
        project, environment, now, today = self._project, self._environment, self.now, self.now.date()
        if name == "old":
            return old_section(project, environment, now)
        if name == "documents":
            return documents_section(project, environment, self._state_dir, today)
        assert self._connection is not None
        assert self.identity is not None
        match name:
            case "history":
                before = self.reviews.get("history")
                return history_section(project, environment, "" if before is None else before.at, now)
            case "leftovers":
                from pgmig_tui.review.maintain_leftovers import leftovers

                return leftovers(project, environment, self._connection, self._state_dir, today)
            case "retention":
                return retention_section(environment, self._connection, now)
            case "drill":
                return drill_section(environment, self.identity, self._state_dir, now)
            case _:
                from pgmig_tui.review.maintain_access import access

                return access(environment, self._connection, today)
