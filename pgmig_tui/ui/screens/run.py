"""A run, watched through its journal: steps, the statement that runs, the log. Leaving never ends the run."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import ClassVar, Self

from textual.containers import Horizontal
from textual.widget import Widget

from pgmig_tui.display.activity import Blocker, blocker_lines
from pgmig_tui.display.cells import Line, text_of
from pgmig_tui.display.safe import safe
from pgmig_tui.display.words import clock, duration
from pgmig_tui.run.journal.entry import Entry
from pgmig_tui.run.journal.events import BlockerEnded, RunFinished, RunPaused, RunResumed, StepFailed, StepInDoubt
from pgmig_tui.run.journal.lines import RunLines
from pgmig_tui.run.journal.picture import RunPicture, StepPicture
from pgmig_tui.ui.backend.protocol import GOES_ON, STAYS_PAUSED, EnvironmentFacts, Watch
from pgmig_tui.ui.destinations import ToAfter, ToBackfillRun, ToBlockers, ToFailed, ToLocks, ToWatch
from pgmig_tui.ui.keys import Key, Keys, Unavailable, WhyNot, always, with_item
from pgmig_tui.ui.messages import JournalRead, PulseRead
from pgmig_tui.ui.screens.base import BaseScreen
from pgmig_tui.ui.screens.dialog import ConfirmScreen, paragraph
from pgmig_tui.ui.screens.pulse import Pulse
from pgmig_tui.ui.sizes import SMALL
from pgmig_tui.ui.views import run as run_view
from pgmig_tui.ui.views.course import progress_line
from pgmig_tui.ui.views.pulse import pulse_lines
from pgmig_tui.ui.views.run import (
    Kept,
    current_lines,
    failure_lines,
    gone_lines,
    moment,
    next_words,
    step_lines,
    step_names,
)
from pgmig_tui.ui.views.run_log import NOISY_KEPT, KeptEvents, RunLog
from pgmig_tui.ui.widgets.lines import Bar, Lines, LogLines
from pgmig_tui.ui.widgets.panes import framed, retitle

POLL_SECONDS = 0.05
BROAD = 140
"""Columns from which estimate, took and waited of each step have room of their own."""
SLICE_BYTES = 128 * 1024
"""Of the journal that are read, told and drawn at once: some hundred events, some milliseconds."""
SLICE_SECONDS = 1.0
"""So long at most a slice waits until the one before is drawn: a screen that is covered by a busy one falls behind."""
_ENDS_ASKING = (RunPaused, RunResumed, StepFailed, StepInDoubt, RunFinished)


class RunScreen(BaseScreen):
    """`watch` is a run just started; without one the run is attached to. `controls` False only looks."""

    screen_id: ClassVar[str] = "run"
    least: ClassVar[tuple[int, int]] = SMALL
    CSS_PATH = "../styles/run.tcss"
    pauses_after: ClassVar[str] = "step; the step itself is finished first"
    footed: ClassVar[Collection[str]] = ("any.copy", "any.help")

    def __init__(
        self,
        run_id: str,
        environment: EnvironmentFacts | None = None,
        watch: Watch | None = None,
        *,
        controls: bool = True,
    ) -> None:
        super().__init__()
        self.run_id = run_id
        self.picture = RunPicture(notices_kept=NOISY_KEPT)
        self.events = KeptEvents()
        self.alive = True
        self._environment = environment
        self._watch = watch
        self._wants_control = controls
        self._controls = controls
        self._lines = RunLines()
        self.run_log = RunLog(self._lines.add)
        self._kept: Kept = {}
        self.script: tuple[str, ...] = ()
        self._script_of = ""
        self._seen_alive = watch is not None
        self._taken = threading.Event()
        self._offered = False
        self._asked = ""
        self.estimates: Mapping[int, float] = {}
        self.pulse = Pulse(self)
        self.headline = Bar(identity="headline")
        self.course = Bar(identity="course")
        self.curves = Lines(identity="curves")
        self.steps = Lines(identity="steps")
        self.current = Lines(identity="current")
        self.log_lines = LogLines(identity="log")

    def body(self) -> Iterable[Widget]:
        yield self.headline
        yield self.course
        yield Horizontal(framed(self.steps, "steps"), framed(self.current, "now"), id="upper")
        yield framed(self.curves, "environment")
        yield framed(self.log_lines, "log")

    def set_up(self) -> None:
        self.headline.make(self.headline_line)
        self.course.make(self.course_line)
        super().set_up()
        # What stands by now stays: looking through all of it for garbage, over and over, would make a key wait.
        gc.freeze()
        if self._watch is not None:
            self._follow(self._watch)
        else:
            session, run_id = self.session, self.run_id
            self.later("attach", lambda: session.attach(run_id), self._follow)

    def _follow(self, watch: Watch) -> None:
        self._watch = watch
        self._controls = self._wants_control and watch.take_control()
        first = [True]
        taken = self._taken
        taken.set()

        def read() -> JournalRead | None:
            # One slice at a time: a key waits for what is being drawn, and never for all that has piled up.
            taken.wait(SLICE_SECONDS)
            # Asked before the journal is read: what a dying process wrote last is then never missed.
            alive = watch.alive()
            events = watch.poll(SLICE_BYTES)
            if watch.behind:
                alive = True  # its end may stand in the rest
                self.ask_now()
            if not events and alive and not first[0]:
                return None
            if first[0]:
                self.estimates = watch.estimates
            first[0] = False
            if not alive and self.poller is not None:
                self.poller.stop_after_this()
            taken.clear()
            return JournalRead(watch.run_id, events, alive)

        self.keep_asking("journal", read, POLL_SECONDS)

    # What the journal says

    def on_journal_read(self, message: JournalRead) -> None:
        message.stop()
        self._taken.set()
        self.alive = message.alive
        for event in message.events:
            self.events.add(event)
            self.picture.add(event)
            if isinstance(event.event, _ENDS_ASKING):
                self._asked = ""
                self._said = None  # what was asked for is no news any more
        self._tell_blocker(message.events)
        added = self.run_log.add(message.events)
        self.log_lines.add(added.lines, gone=added.gone)
        if self._in_batches:
            self._go_on()
            return
        if self.picture.exit_status is not None and self._environment is not None:
            self.shell.ask_again()
        self.pulse.goes_on(self.where, going=not self.ended)
        self._show()
        # What a key does depends on what goes on: nobody must wait a second to see that one works now.
        self.banner.refresh()
        self.foot.refresh()
        self.status.refresh()
        self._go_on()

    @property
    def _in_batches(self) -> bool:
        """Whether it is a run of another kind than this screen is for."""
        return self.picture.command == "backfill" and self.screen_id == "run"

    def _go_on(self) -> None:
        """Opens what comes next by itself, which waits while help or a dialog is in front."""
        if self._in_batches:
            if self.is_active:
                self._instead()
            return
        self._after_failure()
        self._after_reading()

    def on_screen_resume(self) -> None:
        if self.events:
            self._go_on()

    def _after_reading(self) -> None:
        """The screen shows what the journal said last."""

    def _instead(self) -> None:
        """A run in batches has a screen of its own."""
        self.stop_asking()
        # With a handle of its own: what this one's thread has read meanwhile would be lost.
        self.go(ToBackfillRun(self.run_id, self._environment, controls=self._wants_control), instead=True)

    def _after_failure(self) -> None:
        """Fetches the lines around what failed, and says what can be done once the run has ended before our eyes."""
        step = self.failed
        if step is None:
            self._seen_alive = self._seen_alive or not self.ended
            return
        path = step.failure.path if step.failure else ""
        if path and path != self._script_of:
            self._script_of = path
            session, run_id = self.session, self.run_id
            # A script that can't be shown is no news: what failed has been said already.
            self.later("script", lambda: session.recorded(run_id, path), self._take_script, lambda error: None)
        if self._seen_alive and self.picture.exit_status and not self._offered and self.is_active and self._controls:
            self._offered = True
            self.do_failed(step)

    def _take_script(self, text: str) -> None:
        # Lines as psql counts them: splitlines would begin one at a form feed or a U+2028, too.
        self.script = tuple(line.removesuffix("\r") for line in text.removesuffix("\n").split("\n"))
        self._show()
        for screen in self.app.screen_stack:
            if isinstance(screen, BaseScreen):
                screen.run_told()

    def do_failed(self, step: StepPicture) -> None:
        self.go(ToFailed(self, step))

    def _tell_blocker(self, events: Sequence[Entry]) -> None:
        """What became of a session that was to be ended, where it was asked for."""
        for event in events:
            ended = event.event
            if isinstance(ended, BlockerEnded) and self._controls and self.picture.exit_status is None:
                told = self._lines.add(event)
                self.say(text_of(told[0])[10:].strip(), "done" if ended.ok else "failed")

    @property
    def ended(self) -> bool:
        return self.picture.exit_status is not None or not self.alive

    @property
    def gone(self) -> bool:
        """Its process exited without recording an end."""
        return self.picture.exit_status is None and not self.alive

    @property
    def where(self) -> EnvironmentFacts | None:
        if self._environment is None and self.picture.environment:
            environments = self.session.facts.environments
            self._environment = next(
                (environment for environment in environments if environment.name == self.picture.environment), None
            )
        return self._environment

    def access(self) -> str:
        return "READ-WRITE" if self._controls else "watching"

    def elapsed(self) -> float:
        start = moment(self.picture.started_at or self.picture.planned_at)
        end = moment(self.picture.finished_at or self.picture.settled_at) or self.shell.clock()
        return (end - start).total_seconds() if start else 0.0

    def doing(self) -> str:
        word = "ENDED" if self.picture.exit_status is not None else "GONE" if not self.alive else ""
        return f"RUN {self.run_id}  {word + ' ' if word else ''}{clock(self.elapsed())}"

    def headline_line(self, columns: int) -> Line:
        return run_view.headline(
            self.picture, alive=self.alive, now=self.shell.clock(), asked=self._asked, columns=columns
        )

    def course_line(self, columns: int) -> Line:
        """How far it is and the time that is left."""
        return progress_line(self.picture, self.estimates, self.shell.clock(), columns)

    def on_resize(self) -> None:
        self.set_class(self.size.width >= BROAD, "-broad")

    def on_unmount(self) -> None:
        self.pulse.close()

    def on_pulse_read(self, message: PulseRead) -> None:
        message.stop()
        self.pulse.take(message)
        if self.where is not None and not self.ended:
            retitle(self.curves, f"{self.where.name} now")
        self.curves.fill(lambda columns: pulse_lines(self.pulse.beats, self.pulse.problem, columns))

    @property
    def failed(self) -> StepPicture | None:
        """The step that failed, once it has."""
        return next((step for step in self.picture.steps.values() if step.state == "failed" and step.failure), None)

    def _show(self) -> None:
        self.steps.fill(self._step_lines)
        current = self.picture.current
        if current is not None and self.steps.size.height:
            self.steps.scroll_to(y=max(0, current.number - self.steps.size.height // 2), animate=False, force=True)
        # Who is in the way needs more room than the names of steps; it's given back when a try is won.
        self.set_class(bool(self.picture.in_the_way), "-blocked")
        self.set_class(self.failed is not None and current is None, "-failed")
        self.set_class(self.ended and not self.pulse.beats, "-no-curves")
        if self.ended and self.where is not None:
            retitle(self.curves, f"{self.where.name} until the end of the run")
        self.current.fill(self._current_lines)
        self.headline.refresh()
        self.course.refresh()
        self.small.show([*self.small_line(), *self.small_lines()])

    def _step_lines(self, columns: int) -> list[Line]:
        steps = tuple(self.picture.steps.values())
        self.steps.stands_for(step_names(steps, columns, self.estimates))
        now = self.shell.clock()
        return step_lines(steps, columns, gone=self.gone, estimates=self.estimates, now=now, kept=self._kept)

    def _current_lines(self, columns: int) -> list[Line]:
        failed = self.failed
        if failed is not None and self.picture.current is None:
            return failure_lines(self.picture, failed, self.script, columns)
        if self.gone and self.picture.current is not None:
            return gone_lines(self.picture, columns)
        return current_lines(
            self.picture, ended=self.ended, now=self.shell.clock(), columns=columns, keys=self._controls
        )

    def small_lines(self) -> list[Line]:
        # Somebody will look from a phone: who, which step, what fails stay readable at any size.
        columns = max(20, self.size.width)
        shown = [self.banner_line(columns), self.headline_line(columns), self.course_line(columns)]
        if self.failed is not None:
            shown += failure_lines(self.picture, self.failed, (), columns)
        else:
            shown += blocker_lines(self.picture.in_the_way, columns)
        return shown

    def tick(self) -> None:
        if self._wants_control and not self._controls and self._watch is not None and not self.ended:
            self._controls = self._watch.take_control()
            if self._controls:
                self.say("whoever controlled this run has left; it is controlled from here now")
        super().tick()
        self.headline.renew()
        self.course.renew()
        if self.picture.current is not None and not self.ended:
            self.steps.fill(self._step_lines)
        if self.picture.current is not None:
            self.current.fill(self._current_lines)

    def quiet_line(self, columns: int) -> Line:
        if self.picture.exit_status is not None:
            now = "   f: what can be done now" if self.failed is not None else ""
            now += "   W: watch what it does" if not isinstance(self._deployed(), Unavailable) else ""
            return ((f" Enter: results and what to do after{now}   Esc: back", "muted"),)
        if not self.picture.steps:
            return ()
        if not self.alive:
            return ((f" {next_words(self.where)}", "waiting"),)
        left = STAYS_PAUSED if self.picture.paused else GOES_ON
        return ((f" Esc, z and q leave the run alone; it {left} without this screen", "muted"),)

    # Keys

    @classmethod
    def own_keys(cls) -> Keys[Self]:
        return (
            Key(
                "run.pause", "p", "p", "Pause", "pause after this step; again: go on",
                with_item(cls.controlled, cls.do_pause), called=cls._pause_label, hidden=cls.over,
            ),
            Key(
                "run.cancel", "c", "c", "Cancel..", "cancel the statement that runs now and stop",
                with_item(cls.controlled, cls.do_cancel), True, hidden=cls.over,
            ),
            Key(
                "run.stop", "X", "X", "STOP..", "cancel the statement, stop the run, close its sessions",
                with_item(cls.controlled, cls.do_stop), True, hidden=cls.over,
            ),
            Key(
                "run.blocker", "K", "K", "Blocker..",
                "who is in the way: cancel or terminate, after its pid is typed",
                with_item(cls.controlled, cls.do_blocker, cls._nobody_there), True, hidden=cls.over,
            ),
            Key(
                "run.settings", "s", "s", "Settings..", "change lock_timeout and the number of retries while it runs",
                with_item(cls.controlled, cls.do_settings), hidden=cls.over,
            ),
            Key(
                "run.detach", "z", "z", "Detach", "leave this screen; the run goes on by itself",
                always(cls.do_back), hidden=cls.over,
            ),
            Key(
                "run.after", "enter", "Enter", "After",
                "once it has ended: results, the post-deployment checklist, the summary",
                with_item(cls._ended, cls.do_after), hidden=lambda screen: not screen.ended,
            ),
            Key(
                "run.failed", "f", "f", "What now", "what failed, the lines around it, and what can be done now",
                with_item(cls._failed_step, cls.do_failed, cls._goes_on),
                hidden=lambda screen: not screen.ended or screen.failed is None,
            ),
            Key(
                "run.locks", "l", "l", "Locks", "everybody who waits for a lock on this server, and for whom",
                with_item(cls.known_environment, cls.do_locks),
            ),
            Key(
                "run.watch", "W", "W", "Watch", "after a deploy: whether statements have become slower by it",
                with_item(cls._deployed, cls.do_watch), hidden=lambda screen: not screen.ended,
            ),
            Key(
                "run.transcript", "t", "t", "Log", "the log over the whole screen; again: the steps beside what runs",
                always(cls.do_transcript), called=lambda screen: "Steps" if screen.has_class("-log") else "Log",
            ),
            Key(
                "run.notices", "o", "o", "", "notices in a row as one line, or each; the journal has them all",
                with_item(cls._noticed, cls.do_notices),
            ),
            Key(
                "run.retry", "r", "r", "Retry now", "after a lost try: don't wait, try again now",
                with_item(cls.controlled, cls.do_retry, cls._no_retry), hidden=cls.over,
            ),
            *cls.moves("line"),
        )  # fmt: skip

    def over(self) -> bool:
        return self.ended

    def _pause_label(self) -> str:
        return "Go on" if self.picture.paused else "Pause"

    def controlled(self) -> Watch | Unavailable:
        """What tells the run something, if it's this screen that may."""
        if self._watch is None:
            return Unavailable("not attached yet")
        if self.ended:
            return Unavailable("the run has ended")
        if self._controls:
            return self._watch
        return Unavailable(f"you are only watching; {safe(self._watch.controlled_by()) or 'nobody'} controls it")

    def _if_controlled(self, do: Callable[[Watch], None]) -> None:
        """What a dialog has asked for, if it can still be told to the run."""
        watch = self.controlled()
        if isinstance(watch, Unavailable):
            self.say(f"nothing was done: {watch.reason}")
        else:
            do(watch)

    def _nobody_there(self, watch: Watch) -> WhyNot:
        if self.picture.in_the_way:
            return None
        return run_view.NOT_SEEN if self.picture.unseen_way else "nobody is seen in the way"

    def _no_retry(self, watch: Watch) -> WhyNot:
        waits = self.picture.lost is not None and self.picture.statement is None
        return None if waits else "no retry is pending"

    def _ended(self) -> RunPicture | Unavailable:
        return self.picture if self.ended else Unavailable("the run has not ended")

    def _deployed(self) -> EnvironmentFacts | Unavailable:
        """Where this run has deployed something, once it has ended."""
        if not self.ended:
            return Unavailable("the run has not ended")
        if self.picture.command != "deploy" or not self.picture.done:
            return Unavailable("this run deployed nothing")
        return self.known_environment()

    def _failed_step(self) -> StepPicture | Unavailable:
        return self.failed or Unavailable("nothing has failed")

    def _goes_on(self, step: StepPicture) -> WhyNot:
        return None if self.ended else "the run has not ended"

    def _send(self, watch: Watch, words: str, command: str, *arguments: str) -> None:
        if command in {"pause", "cancel", "stop", "resume"}:
            self._asked = command if command != "resume" else ""
        self.later(
            "send",
            lambda: watch.send(command, *arguments),
            lambda heard: self.say(words if heard is not False else "the run process is not responding"),
        )

    def do_pause(self, watch: Watch) -> None:
        if self.picture.paused:
            self._send(watch, "going on", "resume")
        else:
            self._send(watch, f"asked to pause after this {self.pauses_after}", "pause")

    def do_retry(self, watch: Watch) -> None:
        self._send(watch, "asked to try again now", "retry")

    def do_settings(self, watch: Watch) -> None:
        from pgmig_tui.ui.screens.settings import SettingsScreen

        dialog = SettingsScreen(self.picture.lock_timeout_ms, self.picture.retries, danger=self.protected)
        self.app.push_screen(dialog, lambda given: self._if_controlled(partial(self._set, given)) if given else None)

    def _set(self, settings: tuple[int, int], watch: Watch) -> None:
        timeout, retries = settings
        if timeout != self.picture.lock_timeout_ms:
            self._send(watch, f"asked for lock_timeout {duration(timeout)}", "lock_timeout", str(timeout))
        if retries != self.picture.retries:
            self._send(watch, f"asked for lock_timeout {duration(timeout)}, {retries} retries", "retries", str(retries))

    def do_blocker(self, watch: Watch) -> None:
        self.go(ToBlockers(self))

    def end_blocker(self, watch: Watch, blocker: Blocker, *, terminate: bool) -> None:
        """Asks the run process to end a session that is in its way; its pid has been typed."""
        verb = "terminate" if terminate else "cancel"
        # A command is words between blanks.
        started = blocker.started.replace(" ", "T")
        self._send(watch, f"asked to {verb} {blocker.name}", f"{verb}_blocker", str(blocker.pid), started)

    def do_watch(self, environment: EnvironmentFacts) -> None:
        self.go(ToWatch(environment, self.run_id))

    def do_locks(self, environment: EnvironmentFacts) -> None:
        self.go(ToLocks(environment, controlling=not isinstance(self.controlled(), Unavailable)))

    def _confirm(self, command: str, lines: list[Line]) -> None:
        def send(watch: Watch) -> None:
            self._send(watch, f"asked to {command}", command)

        dialog = ConfirmScreen(lines, "yes", danger=self.protected, undone="the run is left as it is")
        self.app.push_screen(dialog, lambda yes: self._if_controlled(send) if yes else None)

    def _leaves(self) -> list[Line]:
        step = self.picture.current
        if step is not None and step.mode == "stepwise":
            return paragraph(
                "This step is not one transaction: what it has done so far stays (an index may stay INVALID).", "failed"
            )
        return paragraph("The transaction of this step is rolled back; the steps before it stay deployed.")

    def do_cancel(self, watch: Watch) -> None:
        self._confirm(
            "cancel", [*paragraph("CANCEL the statement that runs now, and stop", "strong"), (), *self._leaves()]
        )

    def do_stop(self, watch: Watch) -> None:
        head = paragraph("STOP the run: cancel the statement and close its sessions", "strong")
        self._confirm("stop", [*head, (), *self._leaves()])

    def detach(self) -> None:
        """Tells the run that who controls it leaves on purpose: it goes on, as it would not after a lost terminal."""
        watch = self.controlled()
        if not isinstance(watch, Unavailable):
            # Not in a thread: the program may be about to end. It's a write into a pipe, which never waits.
            watch.send("detach")

    def leaving(self) -> None:
        self.detach()

    def do_back(self) -> None:
        if not self.ended:
            self.detach()
            if self.events or self._seen_alive:  # before that nobody has seen whether it lives
                left = STAYS_PAUSED if self.picture.paused else GOES_ON
                self.shell.notify(f"run {self.run_id} {left}; h on home lists runs", timeout=4)
        super().do_back()

    def do_after(self, picture: RunPicture) -> None:
        self.go(ToAfter(self.run_id, self.where, picture, self.events), instead=True)

    def _noticed(self) -> RunLog | Unavailable:
        return self.run_log if self.run_log.notices else Unavailable("there are no notices")

    def do_notices(self, log: RunLog) -> None:
        folded = not log.folded
        self.log_lines.anew(log.fold(folded))
        self.say("notices in a row are one line" if folded else "every notice is shown; o folds them", "muted")

    def panes(self) -> Sequence[Lines]:
        return (self.log_lines, self.steps, self.current)

    def do_transcript(self) -> None:
        self.toggle_class("-log")
        self.foot.refresh()

    def copy_text(self) -> str:
        from pgmig_tui.report.run_report import summary

        return summary(self.picture)

    def help_text(self) -> tuple[str, ...]:
        return (
            "p waits for the end of the step; c cancels the statement and stops; X also closes the sessions at once.",
            "The run is a process of its own: closing this screen, the terminal or the connection doesn't end it.",
        )
