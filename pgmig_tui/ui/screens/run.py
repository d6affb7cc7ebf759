"""A run, watched through its journal: steps, the statement that runs, the log. Leaving never ends the run."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import ClassVar

from textual.binding import BindingType
from textual.containers import Horizontal
from textual.widget import Widget

from pgmig_tui.display.cells import Line, Role, Span, pad, wrap
from pgmig_tui.display.run_lines import RunLines
from pgmig_tui.display.safe import safe
from pgmig_tui.display.words import clock, duration
from pgmig_tui.report.picture import RunPicture, StepPicture
from pgmig_tui.ui.messages import JournalRead
from pgmig_tui.ui.poller import Poller
from pgmig_tui.ui.screens.dialog import ConfirmScreen, paragraph
from pgmig_tui.ui.screens.place import PlaceScreen, bindings
from pgmig_tui.ui.session import EventFacts, Place, Watch
from pgmig_tui.ui.widgets.lines import Bar, Lines, LogLines

POLL_SECONDS = 0.1
_GLYPHS: dict[str, tuple[str, Role]] = {
    "todo": (".", "todo"),
    "running": (">", "running"),
    "done": ("+", "done"),
    "failed": ("x", "failed"),
}


class RunScreen(PlaceScreen):
    """`watch` is a run just started; without one the run is attached to. `steers` False only looks."""

    place: ClassVar[str] = "run"
    CSS_PATH = "../styles/run.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings("run")

    def __init__(
        self, run_id: str, environment: Place | None = None, watch: Watch | None = None, *, steers: bool = True
    ) -> None:
        super().__init__()
        self.run_id = run_id
        self.picture = RunPicture()
        self.events: list[EventFacts] = []
        self.alive = True
        self._environment = environment
        self._watch = watch
        self._steers = steers
        self._lines = RunLines()
        self._statement: EventFacts | None = None
        self._failure: EventFacts | None = None
        self._asked = ""
        self._poller: Poller | None = None
        self.headline = Bar(identity="headline")
        self.steps = Lines(identity="steps")
        self.current = Lines(identity="current")
        self.log_lines = LogLines(identity="log")

    def body(self) -> Iterable[Widget]:
        yield self.headline
        yield Horizontal(self.steps, self.current, id="upper")
        yield self.log_lines

    def on_mount(self) -> None:
        self.headline.make(lambda columns: self._headline())
        super().on_mount()
        if self._watch is not None:
            self._follow(self._watch)
        else:
            session, run_id = self.pgmig.session, self.run_id
            self.later("attach", lambda: session.attach(run_id), self._follow)

    def _follow(self, watch: Watch) -> None:
        self._watch = watch
        first = [True]

        def read() -> JournalRead | None:
            # Asked before the journal is read: what a dying process wrote last is then never missed.
            alive = watch.alive()
            events = watch.poll()
            if not events and alive and not first[0]:
                return None
            first[0] = False
            if not alive and self._poller is not None:
                self._poller.stop_after_this()
            return JournalRead(watch.run_id, events, alive)

        self._poller = Poller("journal", read, self.post_message, POLL_SECONDS)
        self._poller.start()

    def on_unmount(self) -> None:
        if self._poller is not None:
            self._poller.stop()

    # What the journal says

    def on_journal_read(self, message: JournalRead) -> None:
        message.stop()
        self.alive = message.alive
        lines: list[Line] = []
        for event in message.events:
            self.events.append(event)
            self.picture.add(event)  # type: ignore[arg-type]
            lines += self._lines.add(event.name, event.at, event.data)
            if event.name == "statement_started":
                self._statement = event
            elif event.name in {"step_started", "step_committed", "step_recorded", "run_finished"}:
                self._statement = None
            elif event.name == "step_failed":
                self._failure = event
        self.log_lines.add(lines)
        if self.picture.exit_status is not None and self._environment is not None:
            self.pgmig.ask_again()
        self._show()

    @property
    def ended(self) -> bool:
        return self.picture.exit_status is not None or not self.alive

    @property
    def where(self) -> Place | None:
        if self._environment is None and self.picture.environment:
            places = self.pgmig.session.facts.places
            self._environment = next((place for place in places if place.name == self.picture.environment), None)
        return self._environment

    def access(self) -> str:
        return "READ-WRITE" if self._steers else "watching"

    def elapsed(self) -> float:
        start = _moment(self.picture.started_at or self.picture.planned_at)
        end = _moment(self.picture.finished_at) or self.pgmig.clock()
        return (end - start).total_seconds() if start else 0.0

    def doing(self) -> str:
        word = "ENDED" if self.picture.exit_status is not None else "GONE" if not self.alive else ""
        return f"RUN {self.run_id}  {word + ' ' if word else ''}{clock(self.elapsed())}"

    def _headline(self) -> Line:
        picture = self.picture
        total = len(picture.steps)
        if not total:
            return ((" reading the journal ...", "muted"),)
        head = f" {picture.done}/{total} "
        if picture.exit_status is not None:
            good = picture.exit_status == 0
            word = "+ DONE" if good else "x IN DOUBT" if picture.exit_status == 4 else "x STOPPED"
            return (
                (head, "strong"),
                (f"{word}  {safe(picture.summary or picture.result)}", "done" if good else "failed"),
            )
        if not self.alive:
            return (
                (head, "strong"),
                ("x the run's process is gone without a last word: `pgmig-tui reconcile`", "failed"),
            )
        if picture.paused:
            return ((head, "strong"), ("~ PAUSED between two changes, no transaction is open; p goes on", "waiting"))
        step = picture.current
        if step is None:
            return ((head, "strong"), ("> starting", "running"))
        spans: list[Span] = [(head, "strong"), (f"> {safe(step.change)}", "running")]
        started = _moment(step.started_at)
        if started is not None:
            spans.append((f"   {clock((self.pgmig.clock() - started).total_seconds())}", "plain"))
        if step.mode == "stepwise":
            spans.append(("   no transaction around it", "waiting"))
        if step.waited_ms:
            spans.append((f"   waited {duration(step.waited_ms)} for locks", "waiting"))
        if self._asked:
            spans.append((f"   asked to {self._asked}", "waiting"))
        return tuple(spans)

    def _show(self) -> None:
        self.steps.fill(lambda columns: [self._step_line(step, columns) for step in self.picture.steps.values()])
        current = self.picture.current
        if current is not None and self.steps.size.height:
            self.steps.scroll_to(y=max(0, current.number - self.steps.size.height // 2), animate=False, force=True)
        self.current.fill(lambda columns: self._current_lines(columns - 1))
        self.headline.refresh()
        self.small.show([*self.small_line(), *self.small_lines()])

    def _step_line(self, step: StepPicture, columns: int) -> Line:
        glyph, role = _GLYPHS[step.state]
        took = duration(step.took_ms) if step.took_ms is not None else ""
        return (
            (f" {glyph} ", role),
            (
                f"{step.number:>3} {pad(safe(step.change), max(8, columns - 17))} ",
                role if step.state != "done" else "plain",
            ),
            (took, "muted"),
        )

    def _current_lines(self, columns: int) -> list[Line]:
        if self._failure is not None and self.picture.current is None:
            return self._failure_lines(self._failure, columns)
        event = self._statement
        if event is None:
            return [((" no statement runs now", "muted"),)]
        data = event.data
        where = f"{data.get('path') or ''}:{data.get('line', '')}"
        started = _moment(event.at)
        since = f"  {clock((self.pgmig.clock() - started).total_seconds())}" if started and not self.ended else ""
        lines: list[Line] = [((f" {safe(where)}", "muted"), (since, "running"))]
        for text in str(data.get("sql") or "").splitlines()[:6]:
            lines += wrap(safe(text), columns, "plain", indent=" ")[:3]
        return lines

    def _failure_lines(self, event: EventFacts, columns: int) -> list[Line]:
        data = event.data
        lines = wrap(f"x FAILED {safe(str(data.get('change') or ''))}", columns, "failed", indent=" ")
        where = ":".join(safe(str(data[key])) for key in ("path", "line") if data.get(key))
        lines += wrap(f"{where}  SQLSTATE {safe(str(data.get('sqlstate') or '?'))}", columns, "muted", indent=" ")
        lines += wrap(safe(str(data.get("message") or "")), columns, "strong", indent=" ")
        for key in ("detail", "hint"):
            if data.get(key):
                lines += wrap(f"{key}: {safe(str(data[key]))}", columns, indent=" ", hanging="   ")
        stays = [safe(str(item)) for item in data.get("what_stays") or ()]
        if stays:
            for text in stays:
                lines += wrap(f"stays: {text}", columns, "waiting", indent=" ", hanging="   ")
        elif data.get("committed"):
            lines += wrap("the change itself is committed and recorded", columns, "waiting", indent=" ")
        else:
            lines += wrap("nothing of this change stays; it was rolled back", columns, "done", indent=" ")
        return lines

    def small_lines(self) -> list[Line]:
        # Somebody will look from a phone: who, which step, what fails stay readable at any size.
        columns = max(20, self.size.width)
        shown = [self.banner_line(columns), self._headline()]
        if self._failure is not None:
            shown += self._failure_lines(self._failure, columns)
        return shown

    def tick(self) -> None:
        super().tick()
        self.headline.refresh()
        if self.picture.current is not None:
            self.current.fill(lambda columns: self._current_lines(columns - 1))

    def quiet_line(self, columns: int) -> Line:
        if self.picture.exit_status is not None:
            return ((" Enter: results and what to do after   Esc: home", "muted"),)
        return ((" Esc, z and q leave the run alone; it goes on without this screen", "muted"),)

    # Keys

    def off(self, key_id: str) -> str | None:
        if key_id in {"run.pause", "run.cancel", "run.stop"}:
            if not self._steers:
                return "you are only watching"
            if self._watch is None:
                return "not attached yet"
            if self.ended:
                return "the run has ended"
        if key_id == "run.after" and not self.ended:
            return "the run has not ended"
        return None

    def label(self, key_id: str) -> str | None:
        return "Go on" if key_id == "run.pause" and self.picture.paused else None

    def _send(self, command: str, words: str) -> None:
        watch = self._watch
        assert watch is not None, "off() has seen to it"
        self._asked = command if command != "resume" else ""
        self.later(
            "send", lambda: watch.send(command), lambda heard: self.say(words if heard is not False else "nobody hears")
        )

    def do_pause(self) -> None:
        if self.picture.paused:
            self._send("resume", "going on")
        else:
            self._send("pause", "asked to pause after this step; the step itself is finished first")

    def _confirm(self, command: str, lines: list[Line]) -> None:
        place = self.where
        dialog = ConfirmScreen(lines, "yes", danger=place is not None and place.protected, undone="the run goes on")
        self.app.push_screen(dialog, lambda yes: self._send(command, f"asked to {command}") if yes else None)

    def _leaves(self) -> list[Line]:
        step = self.picture.current
        if step is not None and step.mode == "stepwise":
            return paragraph(
                "This step is not one transaction: what it has done so far stays (an index may stay INVALID).", "failed"
            )
        return paragraph("The transaction of this step is rolled back; the steps before it stay deployed.")

    def do_cancel(self) -> None:
        self._confirm(
            "cancel", [*paragraph("CANCEL the statement that runs now, and stop", "strong"), (), *self._leaves()]
        )

    def do_stop(self) -> None:
        head = paragraph("STOP the run: cancel the statement and close its sessions", "strong")
        self._confirm("stop", [*head, (), *self._leaves()])

    def do_detach(self) -> None:
        self.do_back()

    def do_back(self) -> None:
        if not self.ended:
            self.pgmig.notify(f"run {self.run_id} goes on; h lists runs", timeout=4)
        super().do_back()

    def do_after(self) -> None:
        from pgmig_tui.ui.screens.after import AfterScreen

        self.app.switch_screen(AfterScreen(self.run_id, self.where, self.picture, self.events))

    def do_down(self) -> None:
        self.log_lines.step(1)

    def do_up(self) -> None:
        self.log_lines.step(-1)

    def do_bottom(self) -> None:
        self.log_lines.follow()

    def copy_text(self) -> str:
        from pgmig_tui.ui.summary import summary

        return summary(self.run_id, self.picture, self.elapsed())

    def help_text(self) -> tuple[str, ...]:
        return (
            "p waits for the end of the step; c cancels the statement and stops; X also closes the sessions at once.",
            "The run is a process of its own: closing this screen, the terminal or the connection doesn't end it.",
        )


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
