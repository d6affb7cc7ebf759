"""Who waits for whom on an environment's server, as a tree; cancel or terminate a session by its typed pid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

from pgmig_tui.display.cells import Line, Span
from pgmig_tui.display.words import clock, count
from pgmig_tui.ui.backend.protocol import EnvironmentFacts, LockSession, LockTree, LockWatch
from pgmig_tui.ui.keys import Key, Keys, Unavailable, WhyNot, always, with_item
from pgmig_tui.ui.messages import LocksRead
from pgmig_tui.ui.screens.dialog import AskScreen
from pgmig_tui.ui.screens.sessions import SessionsScreen
from pgmig_tui.ui.sizes import SMALL
from pgmig_tui.ui.threads import words_of
from pgmig_tui.ui.views.locks import rows_of, whole_session

EVERY_SECONDS = 1.0
_ALONE = "this is one session by itself"
_SORTS = ("tree", "longest wait", "oldest transaction")


class LocksScreen(SessionsScreen):
    """Asks the server once a second, without taking a lock, until it's left or held still. `controlling`: it's opened
    from a run that is controlled from here."""

    screen_id: ClassVar[str] = "locks"
    least: ClassVar[tuple[int, int]] = SMALL
    CSS_PATH = "../styles/sessions.tcss"

    def __init__(self, environment: EnvironmentFacts, *, controlling: bool = False) -> None:
        super().__init__()
        self.environment = environment
        self._controlling = controlling
        self.found: LockTree | None = None
        self.held = False
        self._sort = 0
        self._filter = ""
        self._unfolded: set[int] = set()
        self._watch: LockWatch | None = None

    def set_up(self) -> None:
        super().set_up()
        watch = self._watch = self.session.lock_watch(self.environment.name)
        self.keep_asking("locks", lambda: LocksRead(watch.read()), EVERY_SECONDS)

    def on_unmount(self) -> None:
        if self._watch is not None:
            self._watch.close()

    def on_locks_read(self, message: LocksRead) -> None:
        message.stop()
        # A list that is held still, or that a dialog stands before, doesn't move under the hand.
        if not self.held and self.is_active:
            self.found = message.tree
            self._arrange()

    def _arrange(self) -> None:
        sessions: Sequence[LockSession] = self.found.sessions if self.found is not None else ()
        if self._filter:
            sessions = [one for one in sessions if self._filter in whole_session(one).lower()]
        if _SORTS[self._sort] == "longest wait":
            sessions = sorted(sessions, key=lambda one: -(one.wait_ms or 0))
        elif _SORTS[self._sort] == "oldest transaction":
            sessions = sorted(sessions, key=lambda one: -(one.session.since_ms or 0))
        elif not self._filter:
            sessions = rows_of(sessions, self._unfolded)
        self.take(sessions)

    @property
    def where(self) -> EnvironmentFacts | None:
        return self.environment

    def doing(self) -> str:
        if self.found is None:
            return "LOCKS"
        return f"LOCKS  {'HELD' if self.held else 'as of'} {self.found.asked_at:%H:%M:%S}Z"

    @property
    def trouble(self) -> str:
        return self.found.problem if self.found is not None else ""

    def summary_line(self, columns: int) -> Line:
        tree = self.found
        if tree is None:
            return ((" asking the server ...", "muted"),)
        if tree.problem:
            return ((f" ? no answer: {tree.problem}", "stale"),)
        if not tree.sessions:
            return ((" + nobody waits for a lock", "done"),)
        roots = sum(one.session.depth == 0 for one in tree.sessions)
        waiting = {one.session.pid: one.wait_ms for one in tree.sessions if one.session.depth}
        longest = max((wait for wait in waiting.values() if wait is not None), default=None)
        ours = [str(one.session.pid) for one in tree.sessions if one.session.ours]
        spans: list[Span] = [
            (f" {count(roots, 'root blocker')}, ", "failed"),
            (f"{count(len(waiting), 'session waits', 'sessions wait')}", "waiting"),
        ]
        if longest is not None:
            spans.append((f", longest {clock(longest / 1000)[3:]}", "waiting"))
        if ours:
            spans.append((f"   ours: pid {', '.join(dict.fromkeys(ours))}", "running"))
        if self._sort:
            spans.append((f"   by {_SORTS[self._sort]}", "muted"))
        if self._filter:
            spans.append((f"   filter: {self._filter}", "waiting"))
        return tuple(spans)

    def quiet_line(self, columns: int) -> Line:
        hidden = sum(one.session.hidden for one in self.found.sessions) if self.found is not None else 0
        if hidden:
            told = f"what {count(hidden, 'session does', 'sessions do')} is hidden from this role (pg_read_all_stats)"
            return ((f" ? {told}", "stale"),)
        return ()

    # Keys

    @classmethod
    def own_keys(cls) -> Keys[Self]:
        return (
            *super().own_keys(),
            Key(
                "locks.unfold", "enter", "Enter", "", "a crowd that waits: one by one; again: together",
                with_item(cls._any_row, cls.do_unfold, cls._alone),
            ),
            Key(
                "locks.hold", "space", "space", "Hold", "hold the list still; again: let it follow the server",
                always(cls.do_hold), called=lambda screen: "Follow" if screen.held else "Hold",
            ),
            Key(
                "locks.sort", "s", "s", "Sort", "as a tree, by the longest wait, by the oldest transaction",
                always(cls.do_sort),
            ),
            Key(
                "locks.filter", "slash", "/", "Filter", "only sessions that hold a text; Esc shows all again",
                always(cls.do_filter),
            ),
            Key(
                "locks.unlock", "u", "u", "Unlock..",
                "let a protected environment be changed, for this session; by its word",
                with_item(cls._locked, cls.do_unlock), True,
            ),
            *cls.moves("session"),
        )  # fmt: skip

    def _locked(self) -> EnvironmentFacts | Unavailable:
        locked = not self._controlling and self.shell.locked(self.environment)
        return self.environment if locked else Unavailable("it is not locked")

    def _any_row(self) -> LockSession | Unavailable:
        return self.chosen or Unavailable(_ALONE)

    def _alone(self, row: LockSession) -> WhyNot:
        return None if row.more or self._behind(row) else _ALONE

    def _behind(self, row: LockSession) -> int:
        """The process whose crowd was shown one by one, and which this row is or waits for; 0 when there is none."""
        environment = self.rows.index(row)
        depth = row.session.depth
        above = (one.session.pid for one in reversed(self.rows[:environment]) if one.session.depth < depth)
        return next((pid for pid in (row.session.pid, next(above, 0)) if pid in self._unfolded), 0)

    def do_unfold(self, row: LockSession) -> None:
        if row.more:
            self._unfolded.add(row.behind)
        else:
            self._unfolded.discard(self._behind(row))
        self._arrange()

    def do_unlock(self, environment: EnvironmentFacts) -> None:
        self.shell.unlock(environment, self.tick)

    def access(self) -> str:
        return "READ-WRITE" if self._controlling else super().access()

    def may_not(self) -> str | None:
        # Who controls a run here has given the word for it already.
        if not self._controlling and (locked := self.shell.locked(self.environment)):
            return locked
        return self.found.problem or None if self.found is not None else "no answer yet"

    def end(self, row: LockSession, *, terminate: bool) -> None:
        watch, session = self._watch, row.session
        assert watch is not None, "a row came from it"
        done = f"{session.name} was {'terminated' if terminate else 'told to cancel its statement'}"

        def heard(found: bool) -> None:
            self.held = False
            if found:
                self.say(done, "done")
            else:
                self.say(f"nothing was done: {session.name} is gone, or its pid is another's by now")
            self.ask_now()

        self.later(
            "end session",
            lambda: watch.end(session.pid, session.started, terminate=terminate),
            heard,
            lambda error: self.say(f"{session.name} was left alone: {words_of(error)}", "failed"),
        )

    def do_hold(self) -> None:
        self.held = not self.held
        if not self.held:
            self.ask_now()
        self.say("held still; space lets it follow the server again" if self.held else "following the server", "muted")

    def do_sort(self) -> None:
        self._sort = (self._sort + 1) % len(_SORTS)
        self._arrange()

    def do_filter(self) -> None:
        self.app.push_screen(
            AskScreen("Show the sessions that hold", "pid, name, table, query", least=0), self._filtered
        )

    def _filtered(self, text: str | None) -> None:
        if text is not None:
            self._filter = text.lower()
            self._arrange()

    def do_back(self) -> None:
        if self._filter:
            self._filtered("")
        else:
            super().do_back()

    def do_ask(self) -> None:
        self.ask_now()

    def help_text(self) -> tuple[str, ...]:
        return (
            "Who holds up most comes first, below each those who wait for it; a crowd is one row, which Enter unfolds.",
            "Looking takes no lock and joins no queue.",
            "c and T look once more whether pid and time of connection are still the same.",
        )
