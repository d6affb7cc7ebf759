"""How far each step of a run got, by its journal alone.

The journal is written ahead: `statement_started` of a statement that commits is on disk before the statement is sent,
and its `statement_finished` before the next one is. So of a run that was cut off at most one statement is open: sent,
perhaps, and not answered, as far as the journal knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pgmig_tui.run.journal.entry import Entry
from pgmig_tui.run.journal.events import (
    AnyEvent,
    StatementFinished,
    StatementRetried,
    StatementsFinished,
    StatementStarted,
    StepApplied,
    StepCommitted,
    StepCommitting,
    StepExamined,
    StepFailed,
    StepInDoubt,
    StepRecorded,
    StepStarted,
    StepVerified,
)

NO_EFFECT = frozenset({
    "BEGIN", "START", "COMMIT", "END", "SAVEPOINT", "RELEASE", "SET", "RESET", "SHOW", "DISCARD", "LISTEN", "UNLISTEN",
    "EMPTY", "",
})  # fmt: skip
"""Kinds that leave nothing behind once the session has gone."""


@dataclass(frozen=True, slots=True)
class OpenStatement:
    """A statement that was about to be sent. `commits`: it isn't part of a transaction that had yet to be committed;
    None where the journal is of a version that didn't say."""

    path: str
    line: int
    end_line: int
    kind: str
    sql: str
    commits: bool | None
    xid: str | None = None
    """Of a COMMIT: the transaction's ID, "" for one that had written nothing."""
    lasting: bool = False
    """The ID can't have been given to another since, whatever happened to the server."""
    files: tuple[tuple[str, ...], ...] = ()
    """What it was going to replace: (qualified name, oid, file, columns) of each relation; and `rewrite`, how."""
    rewrite: tuple[str, ...] = ()
    objects: tuple[Mapping[str, object], ...] = ()
    """What stood under its names (recovery.before)."""
    repeat: str = ""
    start: int | None = None
    """Where it begins in the file (bytes); None in journals of earlier versions, and for what a query has made."""


@dataclass(slots=True)
class Position:
    """What the journal says of one step. `stays` are statements that were answered and committed, in order, as
    `line N: …`; `line` is the last line of these."""

    started: bool = False
    mode: str = ""
    open: OpenStatement | None = None
    stays: list[str] = field(default_factory=list)
    line: int = 0
    last: tuple[str, int, int] | None = None
    """The last statement behind which nothing was open: its file, where it begins there, and how many times it was
    answered (a file may be included twice). None where the journal doesn't tell."""
    committing: bool = False
    applied: bool = False
    recorded: bool = False
    verified: bool | None = None
    failed: str = ""
    in_doubt: bool = False
    halves: list[str] = field(default_factory=list)
    """Statements that failed and may have committed part of their work."""
    closed: bool = False
    """What comes behind is no longer the run's own: somebody looked into it."""
    _pending: list[tuple[str, int]] = field(default_factory=list)
    _answered: dict[tuple[str, int], int] = field(default_factory=dict)

    @property
    def over(self) -> bool:
        """The script has ended: further statements are a verification's."""
        return self.applied or self.recorded or self.closed

    @property
    def pending(self) -> list[str]:
        """Statements of a transaction that was open: they stay if it was committed."""
        return [told for told, _ in self._pending]

    def behind(self, statement: OpenStatement) -> tuple[str, int, int] | None:
        """`last`, if that statement was carried out."""
        if statement.start is None:
            return None
        key = (statement.path, statement.start)
        return (*key, self._answered.get(key, 0) + 1)

    def _commit(self) -> None:
        self.stays += [told for told, _ in self._pending]
        self.line = max([self.line, *(line for _, line in self._pending)])
        self._pending.clear()


def positions(entries: Iterable[Entry]) -> dict[int, Position]:
    """The position of each step that was begun, by its number."""
    found: dict[int, Position] = {}
    for entry in entries:
        number = getattr(entry.event, "step", None)
        if isinstance(number, int):
            _take(found.setdefault(number, Position()), entry.event)
    return found


def _take(at: Position, event: AnyEvent) -> None:
    match event:
        case StepExamined():
            at.closed = True
        case StepStarted():
            at.started, at.mode = True, event.mode
        case StatementStarted() if not at.over:
            at.open = OpenStatement(
                event.path,
                event.line,
                event.end_line,
                event.kind,
                event.sql,
                event.commits,
                event.xid,
                bool(event.lasting),
                event.files or (),
                event.rewrite or (),
                event.objects or (),
                event.repeat or "",
                event.start,
            )
        case StatementRetried() if at.open is not None and at.open.commits:
            at.open = None  # it has failed, and is told of once more before it is sent again
        case StatementFinished() if not at.over:
            _finished(at, event)
        case StatementsFinished() if not at.over:
            first, last = event.from_line, event.to_line
            at._pending.append((f"lines {first} to {last}: {event.count} more like line {first}", last))
        case StepCommitting():
            at.committing = True
        case StepApplied():
            at.applied, at.open = True, None
        case StepCommitted() | StepRecorded():
            at.recorded, at.open = True, None
        case StepVerified():
            at.verified = event.ok
        case StepFailed():
            at.failed = event.message or "it failed"
            at.applied = at.applied or bool(event.applied)
            at.in_doubt = bool(event.in_doubt)
            at.halves = list(event.halves or ())
            if not at.in_doubt:
                at._pending.clear()
        case StepInDoubt():
            at.in_doubt = True


def _finished(at: Position, event: StatementFinished) -> None:
    statement, at.open = at.open, None
    here = None
    if statement is not None and statement.start is not None:
        key = (statement.path, statement.start)
        at._answered[key] = at._answered.get(key, 0) + 1
        here = (*key, at._answered[key])
    if event.tag.startswith("ROLLBACK"):  # also of a COMMIT in a transaction that had failed
        at._pending.clear()
        at.last = here
        return
    kind = statement.kind if statement is not None else ""
    if kind not in NO_EFFECT and (statement is None or statement.repeat != "nothing"):
        text = " ".join(statement.sql.split()).rstrip("; ") if statement is not None else "a statement"
        at._pending.append((f"line {event.line}: {text[:120]}", event.end_line or event.line))
    if event.commits:
        at._commit()
        at.last = here
