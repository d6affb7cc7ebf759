"""A run of another account or host, as its server tells of it: watched, and stopped once the word is typed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, Self

from textual.widget import Widget

from pgmig_tui.display.activity import blocker_lines, holds_words, progress_line, unseen_words
from pgmig_tui.display.cells import Line, Role, cut, line, point, wrap
from pgmig_tui.display.safe import safe
from pgmig_tui.display.words import ago, time_of_day
from pgmig_tui.ui.backend.protocol import EnvironmentFacts, Foreign, ForeignSession, ForeignWatch
from pgmig_tui.ui.destinations import ToLocks, ToRun
from pgmig_tui.ui.keys import Key, Keys, Unavailable, WhyNot, always, unless, with_item
from pgmig_tui.ui.messages import ForeignRead
from pgmig_tui.ui.screens.base import BaseScreen
from pgmig_tui.ui.screens.confirm import named, word_for
from pgmig_tui.ui.screens.dialog import ConfirmScreen, paragraph
from pgmig_tui.ui.sizes import SMALL
from pgmig_tui.ui.threads import words_of
from pgmig_tui.ui.widgets.lines import Lines
from pgmig_tui.ui.widgets.panes import framed

EVERY_SECONDS = 1.0
OLD_MS = 10_000
"""A heartbeat comes every two seconds; one that is older is marked."""
_DONE = {"deploy": "deployed", "revert": "reverted", "fail": "FAILED"}


class ForeignScreen(BaseScreen):
    """Asks the server once a second, without taking a lock, until it's left. Nothing is stopped before the word."""

    screen_id: ClassVar[str] = "foreign"
    least: ClassVar[tuple[int, int]] = SMALL
    CSS_PATH = "../styles/foreign.tcss"

    def __init__(self, environment: EnvironmentFacts) -> None:
        super().__init__()
        self.environment = environment
        self.seen: Foreign | None = None
        self._problem = ""
        self._refused = ""
        self._stopping = False
        self._watch: ForeignWatch | None = None
        self.text = Lines(identity="text")

    def body(self) -> Iterable[Widget]:
        yield framed(self.text, "at work there")

    def set_up(self) -> None:
        super().set_up()
        watch = self._watch = self.session.foreign_watch(self.environment.name)
        self.keep_asking("foreign", lambda: ForeignRead(watch.read()), EVERY_SECONDS)
        self._show()

    def on_unmount(self) -> None:
        if self._watch is not None:
            self._watch.close()

    def on_foreign_read(self, message: ForeignRead) -> None:
        message.stop()
        self._problem = message.foreign.problem
        if not self._problem:
            self.seen = message.foreign
        self._show()

    @property
    def where(self) -> EnvironmentFacts | None:
        return self.environment

    def access(self) -> str:
        return "WATCHING"

    def doing(self) -> str:
        if self.seen is None:
            return "WATCH"
        name = f"RUN {self.seen.run_id}" if self.seen.run_id else "WATCH"
        return f"{name}  as of {self.seen.asked_at:%H:%M:%S}Z"

    # What is shown

    def _show(self) -> None:
        self.text.fill(lambda columns: self._lines(columns - 1))
        self.tick()

    def _lines(self, columns: int) -> list[Line]:
        lines: list[Line] = []
        if self._refused:
            lines += point(f"x {safe(self._refused)}", columns, "failed")
        if self._problem:
            lines += point(f"? no answer: {safe(self._problem)}", columns, "stale")
        seen = self.seen
        if seen is None:
            return lines or [((" asking the server ...", "muted"),)]
        lines += self._run(seen, columns)
        if not seen.over:
            lines += self._now(seen, columns)
        if seen.sessions:
            lines += [(), ((" Sessions", "title"),)]
            for one in seen.sessions:
                lines += wrap(one.told, columns, "stale" if one.hidden else "plain", indent="   ", hanging="     ")
        lines += [(), ((" Registry", "title"),), *wrap(safe(seen.registry), columns, indent="   ")]
        for event, change, at in reversed(seen.recorded):
            role: Role = "failed" if event == "fail" else "done"
            glyph = "x" if event == "fail" else "+"
            told = f"{glyph} {safe(change)} {_DONE.get(event, safe(event))}"
            lines.append(((f"   {time_of_day(at)}  ", "muted"), (cut(told, columns - 13), role)))
        return lines

    def _run(self, seen: Foreign, columns: int) -> list[Line]:
        lines: list[Line] = []
        if seen.over:
            lines += point(f"= {safe(seen.over)}", columns, "strong")
        if seen.who:
            lines += point(safe(seen.who), columns, "strong")
        if seen.doing and seen.state != "finished":
            role: Role = "waiting" if seen.state == "paused" else "running"
            lines += point(f"> {safe(seen.doing)}", columns, role)
        if seen.heartbeat_ms is not None:
            old = seen.heartbeat_ms >= OLD_MS
            told = f"{'? ' if old else '. '}last heartbeat {ago(seen.heartbeat_ms / 1000)}, by the server's clock"
            lines.append(((f" {told}", "stale" if old else "muted"),))
        holder = f"lock: {safe(seen.holder)}" if seen.holder else "nobody holds the lock"
        lines += point(holder, columns, "plain" if seen.holder else "waiting")
        for text in seen.unseen:
            lines += point(f"? {safe(text)}", columns, "stale")
        if seen.local:
            lines += wrap("it is a run of this account: a attaches to it", columns, "waiting", indent=" ")
        return lines

    def _now(self, seen: Foreign, columns: int) -> list[Line]:
        activity = seen.activity
        lines: list[Line] = [(), ((" Now", "title"),)]
        if activity.waiting:
            lines += wrap(f"WAITING for {activity.waits_for() or 'a lock'}", columns, "waiting", indent=" ")
            lines += [line("  ", *one) for one in blocker_lines(activity.blockers, columns - 2)]
        elif activity.phase:
            lines.append(progress_line(activity, columns))
        if behind := activity.behind("it"):
            lines += wrap(behind, columns, "waiting", indent=" ")
        if holds := holds_words(activity):
            lines += point(f"holds {holds}", columns, "plain")
        if unseen := unseen_words(activity):
            lines += wrap(f"? {unseen}", columns, "stale", indent=" ")
        step = seen.step
        if step is None:
            lines.append(((" no session of a step is there", "muted"),))
        elif step.query:
            text = f"pid {step.pid}: {' '.join(safe(step.query).split())}"
            lines += point(text, columns, "muted")[:3]
        return lines

    # Keys

    def panes(self) -> Sequence[Lines]:
        return (self.text,)

    @classmethod
    def own_keys(cls) -> Keys[Self]:
        return (
            Key(
                "foreign.cancel", "c", "c", "Cancel..", "cancel the statement that it runs now; asks for the word",
                with_item(cls._cancellable, cls.do_cancel), True,
            ),
            Key(
                "foreign.stop", "X,x", "X", "STOP..", "end the run's sessions; asks for the word",
                with_item(cls._others, cls.do_stop, cls._no_lock), True,
            ),
            Key(
                "foreign.locks", "l", "l", "Locks", "everybody who waits for a lock on this server, and for whom",
                always(cls.do_locks),
            ),
            Key(
                "foreign.attach", "a", "a", "Attach", "a run of this account: its own screen",
                with_item(cls._going_on, cls.do_attach, cls._not_local),
            ),
            *cls.moves("line"),
        )  # fmt: skip

    def _going_on(self) -> Foreign | Unavailable:
        """What the server tells of a run that is under way."""
        if self._stopping:
            return Unavailable("it is being stopped")
        if self.seen is None or self._problem:
            return Unavailable("the server has not answered")
        return Unavailable("the run is over") if self.seen.over else self.seen

    def _not_local(self, seen: Foreign) -> WhyNot:
        return None if seen.local else "it is no run of this account; its own account attaches to it"

    def _others(self) -> Foreign | Unavailable:
        def not_ours(seen: Foreign) -> str | None:
            if not seen.run_id:
                return "it is another program's: end it where it was started, or its sessions by l"
            return "it is a run of this account: a attaches to it" if seen.local else None

        return unless(self._going_on(), not_ours)

    def _no_lock(self, seen: Foreign) -> WhyNot:
        return None if seen.holder else "it holds the lock no longer"

    def _cancellable(self) -> tuple[Foreign, ForeignSession] | Unavailable:
        """The run, and the session of its step."""
        seen = self._others()
        if isinstance(seen, Unavailable):
            return seen
        if seen.step is None:
            return Unavailable("no session of a step is there")
        if not seen.step.started:
            return Unavailable(
                "when that session began is hidden from this role; the pid alone could be another's by now"
            )
        return seen, seen.step

    def do_cancel(self, found: tuple[Foreign, ForeignSession]) -> None:
        seen, step = found
        lines = self._head("CANCEL the statement of", seen)
        if step.query:
            lines += paragraph(" ".join(safe(step.query).split()), "muted", rows=3)
        lines += [
            (),
            *paragraph("The statement fails with a cancel error: its change is rolled back, and the run ends."),
        ]
        self._confirm(lines, "cancels it", lambda: self._cancel(step))

    def do_stop(self, seen: Foreign) -> None:
        lines = self._head("END ALL SESSIONS of", seen)
        what = "What is not committed is rolled back; a CREATE INDEX CONCURRENTLY leaves an INVALID index."
        lines += [(), *paragraph(f"The one that holds the lock first. {what}")]
        self._confirm(lines, "ends them", self._stop)

    def _head(self, verb: str, seen: Foreign) -> list[Line]:
        lines = paragraph(f"{verb} run {safe(seen.run_id)} on {named(self.environment)}", "failed")
        return lines + paragraph(safe(seen.who or seen.holder), "muted")

    def _confirm(self, lines: list[Line], does: str, done: Callable[[], None]) -> None:
        dialog = ConfirmScreen(
            lines, word_for(self.environment), danger=self.environment.protected, undone="it goes on", does=does
        )
        self.app.push_screen(dialog, lambda yes: done() if yes else self.say("nothing was done"))

    def _cancel(self, step: ForeignSession) -> None:
        watch = self._watch
        assert watch is not None, "what is shown came from it"
        self._refused = ""

        def done(found: bool) -> None:
            if found:
                self.say(f"pid {step.pid} was told to cancel its statement", "done")
            else:
                self.say(f"nothing was done: pid {step.pid} is gone, or another's by now")
            self.ask_now()

        self.later("cancel", lambda: watch.cancel(step.pid, step.started), done, self._not_done)

    def _stop(self) -> None:
        watch = self._watch
        assert watch is not None, "what is shown came from it"
        self._refused = ""
        self._stopping = True
        self.say("ending its sessions ...", "running")

        def told(text: str) -> None:
            self.meanwhile(text, lambda said: self.say(said, "running"), self._not_done)

        def done(_: None) -> None:
            self._stopping = False
            self.say("its sessions are ended, and the lock is free", "done")
            self.ask_now()

        self.later("stop", lambda: watch.stop(told), done, self._not_done)

    def _not_done(self, error: Exception) -> None:
        self._stopping = False
        self._refused = words_of(error)
        self._show()
        self.ask_now()

    def do_ask(self) -> None:
        self.ask_now()

    def do_attach(self, seen: Foreign) -> None:
        self.go_on_to(ToRun(seen.run_id))

    def do_locks(self) -> None:
        self.go(ToLocks(self.environment))

    def copy_text(self) -> str:
        return self.text.text() if self.seen is not None else ""

    def help_text(self) -> tuple[str, ...]:
        return (
            "All of this is what the server says: the journal of a run can be read by its own account only.",
            "An old heartbeat proves nothing but its age: its host may sleep, or its network be cut.",
            "c and X look once more whether pid and time of connection are still the same.",
        )
