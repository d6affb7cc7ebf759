"""What a run decides while it waits: is a lost try tried again, after how long, and when does it give way to others.

Pure: facts in, decisions out. `process.stepper` and `process.watcher` ask; nothing here knows a clock, a socket or
chance.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgmig_tui.script.files import NOWHERE

if TYPE_CHECKING:
    from pgmig_tui.script.preview import Preview

CANCELLED = "57014"
"""query_canceled: by our own guard, by a person, or by a timeout. Only the first is tried again."""

_RETRIED = {"55P03": "lock timeout", "40P01": "deadlock", "40001": "serialization"}
_FIRST_MS = 200
_LONGEST_MS = 15_000
_AUTOVACUUM_EXTRA_MS = 300
"""How long after `deadlock_timeout`, at which a waiter's deadlock check makes an ordinary autovacuum give way, its
lock is surely ours (milliseconds; measured 1.01 to 1.05 s with the default of 1 s)."""


@dataclass(frozen=True, slots=True)
class GuardLimits:
    """When a statement gives way: more than `waiters` sessions wait behind it, or one for longer than `oldest_ms`."""

    waiters: int = 10
    oldest_ms: int = 300


@dataclass(frozen=True, slots=True)
class Vacuum:
    """The vacuum process that alone blocks us. `wraparound` None: this role may not see whether it prevents one."""

    pid: int
    wraparound: bool | None


def lost_because(sqlstate: str, gave_way: str) -> str:
    """Why a try was lost, if losing it so is worth another one, else "". `gave_way` is what the queue guard said when
    it cancelled this very statement."""
    if sqlstate == CANCELLED:
        return gave_way
    return _RETRIED.get(sqlstate, "")


def backoff_ms(lost: int, draw: float) -> int:
    """How long to stay away after `lost` tries (1, 2, …); `draw` is chance, from 0 to 1.

    Twice as long each time, and spread over half of it: two runs that met once shall not meet for ever. In between,
    whoever waited behind us gets through.
    """
    whole = min(_FIRST_MS * 2 ** (min(lost, 20) - 1), _LONGEST_MS)
    return int(whole * (0.5 + draw / 2))


def longest_wait_ms(retries: int, lock_timeout_ms: int) -> int:
    """How long all tries of a step for its locks may wait together, and stay away in between."""
    return (retries + 1) * lock_timeout_ms + sum(backoff_ms(lost, 1) for lost in range(1, retries + 1))


def queue_too_long(waiters: int, oldest_ms: int | None, limits: GuardLimits) -> str:
    """Why the running statement shall give way to the sessions behind it, or ""."""
    if waiters <= limits.waiters and (oldest_ms or 0) <= limits.oldest_ms:
        return ""
    sessions = "1 session waits" if waiters == 1 else f"{waiters} sessions wait"
    oldest = "" if oldest_ms is None else f", the oldest {oldest_ms / 1000:.1f} s"
    return f"queue guard: {sessions} behind this statement{oldest}"


def next_look_ms(every_ms: int, oldest_ms: int | None, limits: GuardLimits) -> int:
    """When to look again: earlier than usual where a waiter's patience ends before that."""
    if oldest_ms is None:
        return every_ms
    return max(10, min(every_ms, limits.oldest_ms - oldest_ms + 5))


def patience_with(vacuum: Vacuum | None, lock_timeout_ms: int, deadlock_timeout_ms: int) -> int | None:
    """The lock_timeout (ms) of one try that outlasts an ordinary autovacuum, None where there is no reason for one.

    Below `deadlock_timeout` no waiter ever gets an autovacuum out of the way. Where it is hidden whether the vacuum
    prevents a wraparound, one try tells: those that do don't yield.
    """
    if vacuum is None or vacuum.wraparound:
        return None
    needed = deadlock_timeout_ms + _AUTOVACUUM_EXTRA_MS
    return needed if 0 < lock_timeout_ms < needed else None


# -- what can be done twice --------------------------------------------------------------------------------------

_COPY_FILE = re.compile(r"\bTO\s+(?:PROGRAM\s+)?(?:E?'|\$)|\bFROM\s+PROGRAM\b", re.IGNORECASE).search
_OUTSIDE = re.compile(r"\b(dblink(?:_\w+)?|lo_export|pg_file_write|http_\w+)\s*\(", re.IGNORECASE).search
_TO_PROGRAM = re.compile(r"\\\w+\s*\||\bprogram\s*'", re.IGNORECASE).search
_COPY_META_TO = re.compile(r"\\copy\b.*\bto\s+(?!stdout\b|pstdout\b)", re.IGNORECASE | re.DOTALL).search
_WRITES_ROWS = ("g", "gx", "o", "out")


def unrepeatable(view: Preview) -> str:
    """Why a script must not be carried out a second time, although its transaction was rolled back, or "": it does
    something that no ROLLBACK undoes."""
    for meta in view.metas:
        where = f"{meta.path}:{meta.line}"
        argument = meta.text[len(meta.name) + 1 :].strip()
        if meta.name in ("!", "setenv") or "`" in meta.text or _TO_PROGRAM(meta.text):
            return f"{where} runs a program outside the database"
        if meta.name in _WRITES_ROWS and argument and not argument.startswith("(") and argument != NOWHERE:
            return f"{where} writes a file"
        if meta.name == "copy" and _COPY_META_TO(meta.text):
            return f"{where} writes a file"
    for statement in view.statements:
        where = f"{statement.path}:{statement.line}"
        if statement.keywords == "COPY" and _COPY_FILE(statement.text):
            return f"{where} copies to a file or a program"
        if found := _OUTSIDE(statement.text):
            return f"{where} reaches outside this transaction with {found[1].lower()}"
    return ""
