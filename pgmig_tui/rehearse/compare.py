"""The prediction beside the measurement: every relation on which they part. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from pgmig_tui.impact.facts import Name
from pgmig_tui.impact.modes import LockMode
from pgmig_tui.impact.result import Estimate, StatementImpact
from pgmig_tui.rehearse.measured import Difference, Measured

STRONG = LockMode.SHARE_UPDATE_EXCLUSIVE
_ROWS = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "SELECT", "COPY", "DO", "CALL", "EXECUTE", "TRUNCATE"})
_NONE = "nothing"


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What was said of one statement: its impact on the copy, and how long it would take with the target's sizes."""

    impact: StatementImpact
    on_target: Estimate | None = None


class Predictions:
    """The predicted statements of one script, handed out as the executor comes to them.

    `starts` are their places in their files (byte offsets), `on_target` the estimates for the target: both in the
    order of the statements; without estimates for all of them there are none.
    """

    def __init__(
        self,
        statements: Sequence[StatementImpact],
        starts: Sequence[int],
        on_target: Sequence[Estimate | None] = (),
    ) -> None:
        if len(on_target) != len(statements):
            on_target = (None,) * len(statements)
        self._at: dict[tuple[str, int], deque[Foreseen]] = {}
        for one, start, estimate in zip(statements, starts, on_target, strict=True):
            self._at.setdefault((one.path, start), deque()).append(Foreseen(one, estimate))

    def take(self, path: str, start: int, text: str) -> Foreseen | None:
        """What was said of the statement that begins there and is sent as `text`; None for one that only the running
        script knew (`\\gexec`, loops).

        Where several begin at one place (a variable holds them, a file is included twice), those before the one that
        reads the same were passed over: transaction control that is our own. One that reads the same nowhere has a
        value in it that wasn't known before.
        """
        waiting = self._at.get((path, start))
        if not waiting:
            return None
        sent = text.rstrip().removesuffix(";")  # comments before it are sent along
        same = next((number for number, one in enumerate(waiting) if sent.endswith(one.impact.sql or sent)), 0)
        for _ in range(same):
            waiting.popleft()
        return waiting.popleft()


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
    """Only scans that nobody foresaw: without rows some that were foreseen don't begin. And only of what others wait
    for: how a query reads (of CREATE TABLE … AS, of a materialized view, inside a function) is the planner's choice.
    """
    told = {*predicted.scans, *predicted.rewrites} if predicted is not None else set()
    modes: dict[Name, LockMode] = {}
    for name, mode in (
        *((lock.name, lock.mode) for lock in measured.locks),
        *((lock.name, lock.mode) for lock in (predicted.locks if predicted is not None else ())),
    ):
        modes[name] = max(mode, modes.get(name, mode))
    real = [rows for rows in measured.rows if rows.scans and not rows.new and modes.get(rows.name, STRONG) >= STRONG]
    return [Difference("scan", str(rows.name), _NONE, "scan", True) for rows in real if str(rows.name) not in told]


def _mode(mode: LockMode | None) -> str:
    return _NONE if mode is None else mode.sql_name
