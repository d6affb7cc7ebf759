"""The prediction beside the measurement: every relation on which they part. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from pgmig_tui.impact.facts import Name
from pgmig_tui.impact.modes import LockMode
from pgmig_tui.impact.result import StatementImpact
from pgmig_tui.rehearse.measured import Difference, Measured

STRONG = LockMode.SHARE_UPDATE_EXCLUSIVE
_ROWS = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "SELECT", "COPY", "DO", "CALL", "EXECUTE", "TRUNCATE"})
_NONE = "nothing"


class Predictions:
    """The predicted statements of one script, handed out as the executor comes to them."""

    def __init__(self, statements: Iterable[StatementImpact]) -> None:
        self._at: dict[tuple[str, int], deque[StatementImpact]] = {}
        for one in statements:
            self._at.setdefault((one.path, one.line), deque()).append(one)

    def take(self, path: str, line: int) -> StatementImpact | None:
        """The next statement that begins there; None for one that only the running script knew (`\\gexec`, loops)."""
        waiting = self._at.get((path, line))
        return waiting.popleft() if waiting else None


def differences(predicted: StatementImpact | None, measured: Measured, kind: str) -> tuple[Difference, ...]:
    """What was measured and not predicted, predicted and not measured, or measured in another mode.

    Relations that the script made itself don't count: nobody else can see them. A lock that is only possible need not
    show.
    """
    if measured.seen == "not":
        return ()
    found = [*_locks(predicted, measured), *_files(predicted, measured)]
    if kind not in _ROWS:
        found += _scans(predicted, measured)
    return tuple(found)


def depends_on_rows(predicted: StatementImpact | None, measured: Measured, kind: str) -> bool:
    """Whether rows decide how long it takes, or whether it succeeds."""
    if kind in _ROWS:
        return True
    told = predicted is not None and bool(predicted.rewrites or predicted.scans)
    return told or bool(measured.rewrites) or any(rows.scans and not rows.new for rows in measured.rows)


def _locks(predicted: StatementImpact | None, measured: Measured) -> list[Difference]:
    told: dict[Name, LockMode] = {}
    unsure: set[Name] = set()
    for lock in predicted.locks if predicted is not None else ():
        if lock.new:
            continue
        told[lock.name] = max(lock.mode, told.get(lock.name, lock.mode))
        if lock.certainty == "possible":
            unsure.add(lock.name)
    real = {lock.name: lock.mode for lock in measured.locks if not lock.new}
    indexes = {lock.name for lock in measured.locks if lock.relkind in "iI"}
    found = []
    for name in sorted({*told, *real}):
        wanted, taken = told.get(name), real.get(name)
        if wanted == taken:
            continue
        held = measured.held.get(name, frozenset())
        if wanted is not None and wanted in held and (taken is None or taken < wanted):
            continue  # it was held already
        if taken is None and (name in unsure or measured.seen == "while it ran"):
            continue
        strong = max(wanted or taken or STRONG, taken or wanted or STRONG) >= STRONG
        if measured.seen == "while it ran" and name in indexes:
            strong = False  # DROP INDEX CONCURRENTLY takes the index itself at last, when nobody can use it any more
        found.append(Difference("lock", str(name), _mode(wanted), _mode(taken), strong))
    return found


def _files(predicted: StatementImpact | None, measured: Measured) -> list[Difference]:
    told = set(predicted.rewrites) if predicted is not None else set()
    fresh = {str(lock.name) for lock in measured.locks if lock.new}
    if predicted is not None:
        fresh |= {str(lock.name) for lock in predicted.locks if lock.new}
    real = {str(name) for name in measured.rewrites}
    return [
        Difference("rewrite", name, "rewrite" if name in told else _NONE, "rewrite" if name in real else _NONE, True)
        for name in sorted((told ^ real) - fresh)
    ]


def _scans(predicted: StatementImpact | None, measured: Measured) -> list[Difference]:
    """Only scans that nobody foresaw: without rows some that were foreseen don't begin."""
    told = {*predicted.scans, *predicted.rewrites} if predicted is not None else set()
    real = [rows for rows in measured.rows if rows.scans and not rows.new]
    return [Difference("scan", str(rows.name), _NONE, "scan", True) for rows in real if str(rows.name) not in told]


def _mode(mode: LockMode | None) -> str:
    return _NONE if mode is None else mode.sql_name
