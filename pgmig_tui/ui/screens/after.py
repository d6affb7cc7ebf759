"""After a run: how each step ended, and the post-deployment checklist."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import ClassVar, Self

from textual.widget import Widget

from pgmig_tui.display.cells import Line, Role, Span, pad, wrap
from pgmig_tui.display.names import told_apart
from pgmig_tui.display.safe import safe
from pgmig_tui.display.words import clock, duration
from pgmig_tui.report.run_report import done_words, result_words, state_words, summary, verified_words, waited_words
from pgmig_tui.run.journal.entry import Entry
from pgmig_tui.run.journal.lines import RunLines
from pgmig_tui.run.journal.picture import RunPicture, StepPicture
from pgmig_tui.ui.backend.protocol import Answered, EnvironmentFacts, ItemFacts
from pgmig_tui.ui.destinations import ToRollback, ToWatch
from pgmig_tui.ui.keys import Key, Keys, Unavailable, WhyNot, always, with_item
from pgmig_tui.ui.screens.base import BaseScreen
from pgmig_tui.ui.screens.dialog import AskScreen, EvidenceScreen, take_back
from pgmig_tui.ui.views.checklist import head_line, item_line, whole_item
from pgmig_tui.ui.views.run import next_words
from pgmig_tui.ui.widgets.lines import Bar, Choices, Lines

_STATES: dict[str, Span] = {
    "done": ("+ ok", "done"),
    "done, verification FAILED": ("! done", "waiting"),
    "failed": ("x FAILED", "failed"),
    "in doubt": ("? DOUBT", "stale"),
    "todo": (". not run", "todo"),
    "unknown": ("? unknown", "stale"),
}
_VERIFIED: dict[str, Span] = {"passed": ("+ ok", "done"), "FAILED": ("x FAILED", "failed")}


class AfterScreen(BaseScreen):
    """Reads a finished run's picture; its ticks go into the run's journal, and from there into summary and report."""

    screen_id: ClassVar[str] = "after"
    CSS_PATH = "../styles/after.tcss"

    def __init__(
        self, run_id: str, environment: EnvironmentFacts | None, picture: RunPicture, events: Sequence[Entry]
    ) -> None:
        super().__init__()
        self.run_id = run_id
        self.environment = environment
        self.picture = picture
        self._events = events
        self._items: tuple[ItemFacts, ...] = ()
        self._logged = False
        self.result = Bar(identity="result")
        self.steps = Lines(identity="steps")
        self.title_bar = Bar(identity="title")
        self.items = Choices(identity="items")

    def body(self) -> Iterable[Widget]:
        yield self.result
        yield self.steps
        yield self.title_bar
        yield self.items

    def set_up(self) -> None:
        self.result.make(lambda columns: self._result_line())
        self.title_bar.make(lambda columns: head_line("After", columns))
        super().set_up()
        self._show()
        if self.environment is not None:
            session, name, command, run_id = (
                self.session, self.environment.name, self.picture.command, self.run_id,
            )  # fmt: skip
            self.later("after", lambda: session.after_items(name, command, run_id), self._take)

    @property
    def where(self) -> EnvironmentFacts | None:
        return self.environment

    def _seconds(self) -> float:
        return (self.picture.took_ms or 0.0) / 1000

    def doing(self) -> str:
        if self.picture.exit_status is None:
            return f"RUN {self.run_id} CUT OFF"
        return f"RUN {self.run_id} ENDED {clock(self._seconds())}"

    def _result_line(self) -> Line:
        picture = self.picture
        good = picture.exit_status == 0
        told = f"{picture.command.upper()} {result_words(picture)}, {done_words(picture)}"
        spans: list[Span] = [(f" + {told}", "done") if good else (f" x {told}", "failed")]
        if picture.summary and not (good and picture.command in ("deploy", "revert", "verify")):  # it says no more
            spans.append((f"   {safe(picture.summary)}", "plain"))
        return tuple(spans)

    def _take(self, items: tuple[ItemFacts, ...]) -> None:
        said = self.picture.afterwards
        self._items = tuple(
            replace(one, answered=said[one.id][1].note) if one.id in said and not one.seen else one for one in items
        )
        self._show()

    def _show(self) -> None:
        self.steps.fill(self._log_lines if self._logged else self._step_lines)
        items = self._items
        self.items.tell([item.id for item in items], [whole_item(item) for item in items])
        self.items.fill(lambda columns: [item_line(item, columns) for item in items])
        self.title_bar.refresh()

    def _log_lines(self, columns: int) -> list[Line]:
        told = RunLines()
        return [line for event in self._events for line in told.add(event)]

    def _step_lines(self, columns: int) -> list[Line]:
        name = max(10, min(max((len(step.change) for step in self.picture.steps.values()), default=10), columns - 53))
        head = f" {'#':>3}  {pad('change', name)} {pad('result', 10)}{pad('took', 12)}{pad('waited', 13)}verify"
        lines: list[Line] = [((head, "title"),)]
        if self.picture.exit_status is None:
            lines = [*wrap(f"? {next_words(self.environment)}", columns - 1, "waiting", indent=" "), *lines]
        steps = tuple(self.picture.steps.values())
        names = told_apart(tuple(safe(step.change) for step in steps), name)
        self.steps.stands_for(names)
        for step in steps:
            lines.append(self._step_line(step, pad(names[safe(step.change)], name)))
            if step.failure:
                message = f"{step.failure.sqlstate} {step.failure.message}"
                lines += wrap(safe(message), columns - 1, "failed", indent="      ")
                if step.action != "verify":
                    for left in step.left.sentences:
                        lines += wrap(f"stays: {left}", columns - 1, "waiting", indent="      ")
        return lines

    def _step_line(self, step: StepPicture, name: str) -> Line:
        doubt = step.state == "failed" and not step.recorded and step.left.kind == "unknown"
        word, role = _STATES["in doubt" if doubt else state_words(step, cut_off=True)]
        took = duration(step.took_ms) if step.took_ms is not None else ""
        waited = (waited_words(step) or [""])[-1]
        verified = verified_words(step)
        return (
            (f" {step.number:>3}  {name} ", "plain"),
            (pad(word, 10), role),
            (f"{pad(took, 12)}{pad(waited, 13)}", "plain"),
            _VERIFIED.get(verified, (verified, "muted")),
        )

    def quiet_line(self, columns: int) -> Line:
        item = self._item()
        if item is None:
            return ()
        text = item.answered or item.summary or ("by hand: space ticks it" if item.how != "check" else "")
        role: Role = "muted"
        return ((f" {safe(item.title)}: {safe(text)}", role),)

    def _item(self) -> ItemFacts | None:
        return self._items[min(self.items.cursor, len(self._items) - 1)] if self._items else None

    def on_choices_moved(self, message: Choices.Moved) -> None:
        message.stop()
        self.status.refresh()

    # Keys

    def panes(self) -> Sequence[Lines]:
        return (self.items, self.steps)

    @classmethod
    def own_keys(cls) -> Keys[Self]:
        return (
            Key(
                "after.tick", "space", "space", "Tick", "attest the item under the cursor; asks for a note",
                with_item(cls._chosen_item, cls.do_tick, cls._looked_at),
            ),
            Key(
                "after.rollback", "R", "R", "ROLL BACK..", "roll back the last deploy run that stands, after a look",
                with_item(cls.known_environment, cls.do_rollback, cls._no_rollback), True,
            ),
            Key(
                "after.evidence", "enter", "Enter", "Evidence",
                "what the item under the cursor hangs on: query, rows, server, times, who said what",
                with_item(cls._chosen_item, cls.do_evidence),
            ),
            Key("after.write", "w", "w", "Write", "write the summary to a file", always(cls.do_write)),
            Key(
                "after.watch", "W", "W", "Watch", "whether statements have become slower by this deploy",
                with_item(cls.known_environment, cls.do_watch, cls._no_rollback),
            ),
            Key(
                "after.log", "t", "t", "Log", "the log of the run", always(cls.do_log),
                called=lambda screen: "Steps" if screen._logged else "Log",
            ),
            *cls.moves("line"),
        )  # fmt: skip

    def _chosen_item(self) -> ItemFacts | Unavailable:
        return self._item() or Unavailable("there is no item")

    def _looked_at(self, item: ItemFacts) -> WhyNot:
        return "checked by the program, nobody can tick it" if item.seen else None

    def _no_rollback(self, environment: EnvironmentFacts) -> WhyNot:
        if self.picture.command != "deploy" or not self.picture.done:
            return "this run deployed nothing"
        return self.answers.silent(environment.name)

    def do_evidence(self, item: ItemFacts) -> None:
        self.app.push_screen(EvidenceScreen(item))

    def do_tick(self, item: ItemFacts) -> None:
        if item.answered:
            self.app.push_screen(take_back(item), lambda yes: self._answer(item, "") if yes else None)
            return
        self.app.push_screen(
            AskScreen(f"{item.title}: {item.asks}", "a note; the run's journal keeps it"),
            lambda note: self._answer(item, note) if note else None,
        )

    def _answer(self, item: ItemFacts, note: str) -> None:
        session, run_id, said = self.session, self.run_id, Answered(item.id, "attest", note)
        self.later("answer", lambda: session.answer_after(run_id, said), lambda why: self._answered(item, note, why))

    def _answered(self, item: ItemFacts, note: str, why: str) -> None:
        if why:
            self.say(f"kept in the run's journal alone, not in the database: {why}", "waiting")
        self._items = tuple(replace(one, answered=note) if one.id == item.id else one for one in self._items)
        self._show()
        self.status.refresh()

    def do_rollback(self, environment: EnvironmentFacts) -> None:
        self.go(ToRollback(environment, came_from=self.run_id), instead=True)

    def do_watch(self, environment: EnvironmentFacts) -> None:
        self.go(ToWatch(environment, self.run_id))

    def do_log(self) -> None:
        self._logged = not self._logged
        self._show()

    def copy_text(self) -> str:
        still = [one.title for one in self._items if not one.answered and one.state not in {"PASS", "N-A"}]
        return summary(self.picture, still if self._items else None)

    def do_write(self) -> None:
        self.write(f"summary-{self.run_id}.md", self.copy_text())

    def do_copy(self, make: Callable[[], str]) -> None:
        super().do_copy(make)
        self.do_write()

    def help_text(self) -> tuple[str, ...]:
        return (
            "y copies a summary for the channel and writes it to a file; w only writes it.",
            "R rolls back the last deploy run that still stands there; where that isn't this one, it is said.",
        )
