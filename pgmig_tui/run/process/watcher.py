"""The watcher: what goes on around a step that takes its time, and the queue guard.

A second session, `pgmig/<run>/watch`, looks four times a second, from a quarter of a second on: who is in our way, who
waits behind us, how far the statement is. It is opened when it is first needed and asked without waiting (see
`database.background`), on the same poll that waits for the statement itself. It takes no lock that anybody could hold.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from pgmig_tui.database.background import Background, Cells, Poll
from pgmig_tui.database.connect import Connection, Reachable, application_name
from pgmig_tui.database.live import Live, look_sql, preparing_sql, read_live
from pgmig_tui.database.live import SeenBlocker as Seen
from pgmig_tui.database.lookout import SAID_AFTER_S, waits_words
from pgmig_tui.display.activity import Activity, Blocker, Hold
from pgmig_tui.run.journal.events import LockWaited, Warned
from pgmig_tui.run.journal.file import JournalWriter
from pgmig_tui.run.process import guard
from pgmig_tui.run.process.waits import Waits

EVERY_MS = 250
EARLY_MS = 50
"""The first look where the session is there already: lock timeouts may be shorter than the time between two looks."""
_NO_ANSWER_S = 5.0
"""An open question that old has been lost; the session is given up and another one opened."""
_AGAIN_S = 5.0
"""How long after a failure the session is tried again."""
_DUTY = 20
"""A look that took t isn't repeated before _DUTY × t: what looks at a pile-up must not feed it."""
_VANISHED_S = 10.0
"""The server has ended a statement, and its answer hasn't come so long since: it won't any more."""
_PAGE = 8192
_SAID = float("inf")
_TOLD = 50
"""So many sessions at most are told of in one event."""
_WAL_NOTED = 1 << 20
"""A rewrite is told from a scan by what it writes: at least this much (bytes)."""

_DETAILS_S = 0.45
"""Who the blockers are, what we hold and how far the statement is: read every other time, for that is dear."""

_REWRITES = frozenset({"ALTER TABLE", "CLUSTER", "VACUUM", "REFRESH MATERIALIZED VIEW", "ALTER MATERIALIZED VIEW"})


class Pids(Protocol):
    """What the watcher needs of the session that it watches."""

    @property
    def pid(self) -> int: ...
    def cancel(self) -> None: ...
    def cut(self) -> None: ...


@dataclass(slots=True)
class _Statement:
    line: int = 0
    kind: str = ""
    started: float = 0.0
    wal: int | None = None
    """The server's WAL position at the first look at it."""
    details_at: float = 0.0
    details: Live | None = None
    """The last look at this statement that had them."""
    told: tuple[Any, ...] | None = None
    waits: Waits = field(default_factory=Waits)


class Watcher:
    """`begin` a stretch of work in which locks may be held, name each `statement` of it, `end` it; `tick` does what is
    due. `gave_way` is why the guard has cancelled the statement that ran last, "" when it hasn't."""

    def __init__(self, journal: JournalWriter, limits: guard.GuardLimits, version_num: int) -> None:
        self._journal = journal
        self.limits = limits
        self._version_num = version_num
        self._open: Callable[[], Background] | None = None
        self._session: Background | None = None
        self._step = 0
        self._watched: Pids | None = None
        self._statement = _Statement()
        self._stretch = 0
        self._may_cancel = False
        self._guarded = False
        self._patience_ms = 0
        self._due = 0.0
        self._asked = 0.0
        self._not_before = 0.0
        self._complained = ""
        self._queued: float | None = None
        self.gave_way = ""
        self._idle_since: float | None = None
        self._worked_at = 0.0
        self._standby_since: float | None = None
        self.latest: Live | None = None
        """The last look at the try that runs, or ran last."""

    def use(self, target: Reachable, beside: Connection, poll: Poll, run_id: str) -> None:
        """Where to look from: another session like `beside`, when one is needed."""
        name = application_name(run_id, "watch")
        self._open = lambda: Background(target, beside, poll, name)

    @property
    def fd(self) -> int:
        return -1 if self._session is None else self._session.fd

    @property
    def watched_pid(self) -> int | None:
        """The server process that is watched, None when nothing is."""
        return None if self._watched is None else self._watched.pid

    def watches(self, pid: int) -> bool:
        """That process is the session that runs the step."""
        return self._watched is not None and self._watched.pid == pid

    # -- what the run tells ------------------------------------------------------------------------------------

    def begin(self, step: int, watched: Pids, *, patience_ms: int = 0, guarded: bool = True) -> None:
        """From here on `watched` may hold locks. `patience_ms`: the guard lets others wait at least that long; with
        `guarded` False it never cancels anything."""
        self._tell_waits()
        self._step, self._watched, self._patience_ms = step, watched, patience_ms
        self._may_cancel = self._guarded = guarded
        self._statement = _Statement()
        self._standby_since = None
        self.gave_way, self.latest = "", None
        self._restart(time.monotonic())

    def instead(self, watched: Pids) -> None:
        """The script has gone on to another session (\\connect)."""
        if self._watched is not None:
            self.begin(self._step, watched)

    def statement(self, line: int, kind: str, *, alone: bool = False, guarded: bool = True) -> None:
        """A statement is about to be sent. `alone`: no lock is held from before. `guarded` False: it doesn't give way,
        for cancelling it does more harm."""
        if self._watched is None:
            return
        self._tell_waits()
        now = time.monotonic()
        self._statement = _Statement(line, kind, now)
        self._idle_since = self._standby_since = None
        self.gave_way = ""
        self._guarded = self._may_cancel and guarded
        if alone:
            self._restart(now)

    def failed(self, sqlstate: str) -> None:
        """The statement has failed with this SQLSTATE."""
        self._statement.waits.failed(time.monotonic(), sqlstate)

    def committing(self) -> None:
        """What comes now must not be cancelled by the guard."""
        self._tell_waits()
        self._may_cancel = self._guarded = False
        self._idle_since = None

    def end(self) -> None:
        """Nothing is held any more."""
        self._tell_waits()
        self._watched = None
        self._stretch += 1

    def close(self) -> None:
        self.end()
        if self._session is not None:
            self._session.close()
            self._session = None

    # -- what the poll tells -----------------------------------------------------------------------------------

    def tick(self) -> int | None:
        """Look if it is time to; the milliseconds until it will be, None when there is nothing to watch."""
        if self._watched is None or self._open is None:
            return None
        now = time.monotonic()
        if now >= self._due:
            self._look(now)
        return max(1, int((self._due - now) * 1000) + 1)

    def ready(self) -> None:
        """The session's socket is ready."""
        if self._session is not None:
            self._session.ready()

    def prepare(self) -> None:
        """Open the session now, while there is time: the next try may be shorter than the opening."""
        if self._open is not None and self._session is None and time.monotonic() >= self._not_before:
            self._session = self._open()
            self._asked = time.monotonic()
            self._session.ask(preparing_sql(self._version_num), lambda rows, error: self._opened(error))

    def _restart(self, now: float) -> None:
        self._stretch += 1
        self._queued = None
        # A session that is there can look earlier: a try may be over before the first quarter of a second is.
        early = self._session is not None and self._session.open
        self._due = now + (EARLY_MS if early else EVERY_MS) / 1000

    def _look(self, now: float) -> None:
        self._due = now + EVERY_MS / 1000
        session = self._session
        if session is None or not (session.open or session.busy):  # not yet, or the server has closed it
            self._session = None
            self.prepare()
            return
        if session.busy:
            if now - self._asked > _NO_ANSWER_S:
                self._drop(now, "it doesn't answer")
            return
        watched = self._watched
        assert watched is not None
        self._asked = now
        stretch, pid, statement = self._stretch, watched.pid, self._statement
        details = now - statement.details_at > _DETAILS_S
        if details:
            statement.details_at = now
        session.ask(
            look_sql(pid, details=details),
            lambda rows, error: self._seen(stretch, pid, statement, details, rows, error),
        )

    def _opened(self, error: str) -> None:
        if error:
            self._drop(time.monotonic(), error)
        elif self._watched is not None:
            self._due = 0.0

    def _drop(self, now: float, why: str) -> None:
        if why != self._complained:
            self._complained = why
            self._journal.write(Warned(step=self._step, message=f"the watcher sees nothing for now: {why}"))
        self._not_before = now + _AGAIN_S
        if self._session is not None:
            self._session.close()
            self._session = None

    def _seen(
        self, stretch: int, pid: int, statement: _Statement, details: bool, rows: list[Cells], error: str
    ) -> None:
        now = time.monotonic()
        session = self._session
        if error or not rows or session is None:
            if session is not None and (not session.open or "pgmig_" in error):
                self._drop(now, error)
            return  # a look that timed out is followed by the next
        took = now - self._asked
        if stretch != self._stretch or self._watched is None:
            return  # of a statement that has ended meanwhile
        live = self._since_seen(read_live(rows[-1], pid, session.mask), now)
        statement.waits.seen(now, waiting=live.waiting, waited_ms=live.waited_ms)
        self._look_for_answer(live, now, pid)
        self._look_for_standby(live, now)
        self._guard(live)
        if details:
            statement.details = live
        else:
            whole = _completed(live, statement.details)
            if whole is None:  # somebody else is in the way now: ask who
                statement.details_at, self._due = 0.0, now
                return
            live = whole
        self.latest = live
        limits = self._limits()
        self._due = max(now + guard.next_look_ms(EVERY_MS, live.oldest_wait_ms, limits) / 1000, now + took * _DUTY)
        self._tell(live, now)

    def _since_seen(self, live: Live, now: float) -> Live:
        """PostgreSQL 13 doesn't tell since when a session waits: there, since when somebody has been seen to, without
        a break, which is never longer than the queue is old."""
        if not live.waiters:
            self._queued = None
        elif self._queued is None:
            self._queued = now
        if self._queued is None or live.oldest_wait_ms is not None:
            return live
        return replace(live, oldest_wait_ms=int((now - self._queued) * 1000))

    # -- an answer that doesn't come ---------------------------------------------------------------------------

    @property
    def sees_work(self) -> bool:
        """The server has been seen at work on what we wait for, lately."""
        return time.monotonic() - self._worked_at < _NO_ANSWER_S

    def _look_for_answer(self, live: Live, now: float, pid: int) -> None:
        """We only look while an answer is awaited: a process that is idle, or gone, has none to give any more. What is
        between us and the server has swallowed it, though the connection is up."""
        if live.works:
            self._idle_since, self._worked_at = None, now
            return
        self._idle_since = self._idle_since or now
        if now - self._idle_since < _VANISHED_S or self._watched is None:
            return
        self._idle_since = None
        told = (
            f"process {pid} has ended the statement, and no answer came in {_VANISHED_S:.0f} s: its session is given up"
        )
        self._journal.write(Warned(step=self._step, message=told))
        self._watched.cut()

    def _look_for_standby(self, live: Live, now: float) -> None:
        """Nobody knows how long a COMMIT waits for a synchronous standby that is gone: whoever looks is told, once."""
        if not live.standby:
            self._standby_since = None
            return
        before, self._standby_since = self._standby_since, self._standby_since or now
        if before is None or before == _SAID or now - before < SAID_AFTER_S:
            return
        self._standby_since = _SAID
        self._journal.write(Warned(step=self._step, message=waits_words(self.watched_pid)))

    # -- the queue guard ---------------------------------------------------------------------------------------

    def _limits(self) -> guard.GuardLimits:
        return guard.GuardLimits(self.limits.waiters, max(self.limits.oldest_ms, self._patience_ms))

    def _guard(self, live: Live) -> None:
        if not self._guarded or self._watched is None:
            return
        if why := guard.queue_too_long(live.waiters, live.oldest_wait_ms, self._limits()):
            self.gave_way = why
            self._watched.cancel()

    def in_the_way(self) -> tuple[Blocker, ...]:
        """Who was in the way at the last look, as the journal tells it."""
        return tuple(told(one) for one in self.latest.blockers[:_TOLD]) if self.latest is not None else ()

    def only_vacuum(self) -> guard.Vacuum | None:
        """The vacuum that alone was in the way at the last look, if it was one."""
        direct = self.latest.direct if self.latest is not None else ()
        if len(direct) != 1 or not (direct[0].vacuum or direct[0].wraparound is not None):
            return None
        return guard.Vacuum(direct[0].pid, direct[0].wraparound)

    # -- what is told ------------------------------------------------------------------------------------------

    def _tell_waits(self) -> None:
        """The sum of what was seen of the last statement's waits, once it has ended."""
        statement = self._statement
        if ms := statement.waits.take_ms():
            self._journal.write(LockWaited(step=self._step, line=statement.line, ms=ms))

    def _tell(self, live: Live, now: float) -> None:
        statement = self._statement
        elapsed_ms = int((now - statement.started) * 1000)
        if not statement.started or elapsed_ms < EVERY_MS:
            return
        if statement.wal is None:
            statement.wal = live.wal
        phase, percent, about = self._progress(live, statement)
        note = _note(live, statement)
        waited = None if live.oldest_wait_ms is None else live.oldest_wait_ms // 1000
        told = (
            live.waiting, phase, None if percent is None else int(percent), live.holds, live.waiters, waited, note,
            tuple((b.pid, b.depth, b.state, b.query) for b in live.blockers),
        )  # fmt: skip
        if told == statement.told:
            return
        statement.told = told
        self._journal.write(
            Activity(
                step=self._step,
                line=statement.line,
                elapsed_ms=elapsed_ms,
                waiting=live.waiting,
                phase=phase,
                percent=None if percent is None else round(percent, 1),
                about=about,
                blockers=self.in_the_way(),
                holds=tuple(Hold(relation, mode) for relation, mode in live.holds[:50]),
                waiters=live.waiters,
                oldest_wait_ms=live.oldest_wait_ms,
                hidden=live.hidden,
                note=note,
            )
        )

    def _progress(self, live: Live, statement: _Statement) -> tuple[str, float | None, bool]:
        """(phase, percent, whether that is only an estimate). A rewrite by ALTER TABLE has no progress view: it is
        estimated by how far the server's WAL has moved, of the size of what is written anew."""
        if live.phase:
            return live.phase, live.percent, False
        if live.waiting or not live.new_relation or statement.kind not in _REWRITES:
            return "", None, False
        if not live.pages or live.wal is None or statement.wal is None:
            return "rewriting", None, True
        written = live.wal - statement.wal
        if written < _WAL_NOTED:
            return "rewriting", None, True
        return "rewriting", min(99.0, 100.0 * written / (live.pages * _PAGE)), True


def _completed(live: Live, known: Live | None) -> Live | None:
    """A look without details with those of an earlier one; None where that doesn't know who is in the way now."""
    if known is None or {(b.pid, b.depth) for b in live.blockers} != {(b.pid, b.depth) for b in known.blockers}:
        return None
    return replace(
        known, waiting=live.waiting, waiters=live.waiters, oldest_wait_ms=live.oldest_wait_ms, waited_ms=live.waited_ms
    )


def _note(live: Live, statement: _Statement) -> str:
    """What the blockers, as they are listed, don't say by themselves."""
    notes = []
    for blocker in live.blockers:
        if blocker.sqitch:
            notes.append(
                f"sqitch (process {blocker.pid}) waits for this run's deployment lock, and its snapshot holds up"
                f" {statement.kind or 'this statement'}: it gives up after its own timeout, 60 s unless it was told"
                " otherwise"
            )
    if live.backup is not None:
        phase, percent = live.backup
        notes.append(f"a base backup is running: {phase}" + ("" if percent is None else f", {percent:.0f} %"))
    return "; ".join(notes)


def told(one: Seen) -> Blocker:
    """A session that is in the way, as events tell it."""
    return Blocker(
        one.pid,
        one.started or "",
        one.user,
        one.application,
        one.state or "",
        one.since_ms,
        one.query,
        one.depth,
        one.prepared,
        one.wraparound,
        one.ours,
        one.sqitch,
        one.hidden,
    )
