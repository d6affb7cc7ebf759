"""What a review reads and shows: the steps of the run to come, its checklist, and what it still needs to start."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Sequence
from typing import ClassVar

from textual.containers import Container, Vertical
from textual.widget import Widget

from pgmig_tui.display.cells import Line
from pgmig_tui.display.safe import safe
from pgmig_tui.display.words import count
from pgmig_tui.ui.backend.protocol import Answered, Command, EnvironmentFacts, ItemFacts, Manner, ReviewFacts
from pgmig_tui.ui.keys import Unavailable
from pgmig_tui.ui.screens.base import BaseScreen
from pgmig_tui.ui.screens.confirm import VERBS
from pgmig_tui.ui.sizes import NARROW, SHORT, SMALL
from pgmig_tui.ui.threads import words_of
from pgmig_tui.ui.views.checklist import head_line, item_line, whole_item
from pgmig_tui.ui.views.checklist_order import Checklist, Folded, Row, checklist
from pgmig_tui.ui.views.gate import Readiness, gate_lines
from pgmig_tui.ui.views.review import mark_lines, refused_lines, step_lines, step_names
from pgmig_tui.ui.widgets.lines import Bar, Choices, Lines
from pgmig_tui.ui.widgets.panes import count_in, framed

STALE = "plan or configuration have changed on disk since; r reads them again"
BROAD = 140
"""From so many columns on the checklist stands beside the steps, as high as the screen."""


class Reviewing(BaseScreen):
    """Reads in a thread. Subclasses say by `_startable` whether a run could start."""

    CSS_PATH = "../styles/review.tcss"
    footed: ClassVar[Collection[str]] = ("any.help", "any.back")
    least: ClassVar[tuple[int, int]] = SMALL

    def __init__(
        self,
        environment: EnvironmentFacts,
        command: Command,
        to: str | None,
        *,
        how: Manner = "run",
        evidence: str = "",
    ) -> None:
        super().__init__()
        self.environment = environment
        self.command = command
        self.to = to
        self.how = how
        self._evidence = evidence
        self.review: ReviewFacts | None = None
        self.accepted = False
        self._list = Checklist()
        self._rows: list[Row] = []
        self._passed_shown: bool | None = None
        self._answers: dict[str, Answered] = {}
        self._error = ""
        self._trouble = ""
        self._starting = False
        self._dumping = False
        self._progress = ("", "")
        self._stale = False
        self._turn = 0
        self._left = threading.Event()
        self._sampled: threading.Event | None = None
        self._before = ""
        self.crumbs = Bar(identity="crumbs")
        self.steps = Lines(identity="steps")
        self.title_bar = Bar(identity="title")
        self.items = Choices(identity="items")
        self.gate = Lines(identity="gate")

    def body(self) -> Iterable[Widget]:
        yield self.crumbs
        yield Container(
            framed(self.steps, "steps"),
            framed(Vertical(self.title_bar, self.items, id="list"), "checklist", self.items),
            framed(self.gate, "gate"),
            id="sheet",
        )

    def set_up(self) -> None:
        self.crumbs.make(self._crumbs_line)
        self.title_bar.make(lambda columns: head_line("", columns))
        super().set_up()
        self._show()
        self._prepare()

    def _prepare(self) -> None:
        self._turn += 1
        turn, session, name, command, to = self._turn, self.session, self.environment.name, self.command, self.to

        def done(review: ReviewFacts) -> None:
            if turn == self._turn:
                self._prepared(review)

        def partly(review: ReviewFacts) -> None:
            if turn == self._turn:
                self.review, self._list = review, checklist(review.items)
                self._show()

        def so_far(review: ReviewFacts) -> None:
            self.meanwhile(review, partly, self._failed)

        self.later(
            "prepare", lambda: session.prepare(name, command, to, how=self.how, so_far=so_far), done, self._failed
        )

    @property
    def where(self) -> EnvironmentFacts | None:
        return self.environment

    def doing(self) -> str:
        title = {"record": "MARK DEPLOYED", "try": "DRY RUN"}.get(self.how, VERBS[self.command])
        if self.review is None or self.review.marks:
            return title
        return f"{title} {count(len(self.review.steps), 'change')}"

    def _crumbs_line(self, columns: int) -> Line:
        if self.cramped:
            return ((f" {self.cramped}; tab: the next pane", "waiting"),)
        back = f"   back to {self.review.to}" if self.review is not None and self.review.to else ""
        return (
            (" 1 plan > ", "muted"),
            ("2 review", "strong"),
            (" > 3 confirm > 4 run > 5 after", "muted"),
            (safe(back), "failed" if "everything" in back else "strong"),
        )

    # Facts

    def _prepared(self, review: ReviewFacts) -> None:
        """It has been read: what was attested of the very same scripts before stands again."""
        self._list = Checklist()
        self._take(review)
        self._sample()
        self._to_open()
        if review.recalled:
            self._answers = {**{one.item_id: one for one in review.recalled}, **self._answers}
            many = count(len(review.recalled), "answer")
            self._evaluate(f"{many} of before to the same scripts; space withdraws one")
        elif waiting := [item for item in review.items if item.blocks and item.id in review.again]:
            told = f"{count(len(waiting), 'answer')} of before must be said again"
            self.say(f"{told}: {review.again[waiting[0].id][1]}")

    def _sample(self) -> None:
        """While somebody reads, what the environment does is kept as the time before this deploy."""
        if self.command != "deploy" or self.how != "run" or self._sampled is not None:
            return
        over = self._sampled = threading.Event()
        session, name = self.session, self.environment.name

        def tell(number: int) -> None:
            self.meanwhile(number, seen, self._not_sampled)

        def seen(number: int) -> None:
            self._before = f". {count(number, 'interval')} kept as the time before, for W after the deploy"
            self._show_gate()

        def done(why: str) -> None:
            if why:
                self._before = f"? nothing is kept for a watch after it: {why}"
                self._show_gate()

        self.later("sample", lambda: session.sample_before(name, over.is_set, tell), done, self._not_sampled)

    def _not_sampled(self, error: Exception) -> None:
        self._before = f"? nothing is kept for a watch after it: {words_of(error)}"

    def _stop_sampling(self) -> None:
        if self._sampled is not None:
            self._sampled.set()
            self._sampled = None

    def project_changed(self) -> None:
        """What was read is no longer what lies on disk: nothing is started from it."""
        environment = self.again(self.environment)
        self.environment = environment or self.environment
        self._stale = environment is not None
        if environment is None and not self._starting:
            self._error = f"{self.environment.name} is not in the project any more. Nothing was changed."
        self._show()
        self.say(STALE)

    def do_ask(self) -> None:
        super().do_ask()
        if not self._starting and not self._dumping:
            self._read_anew()

    def _read_anew(self) -> None:
        """Plans and asks again; what was said of the same scripts is recalled."""
        self._stale, self._error, self._trouble, self.review, self.accepted = False, "", "", None, False
        self._answers = {}
        self._show()
        self._prepare()

    def _take(self, review: ReviewFacts) -> None:
        self.review = review
        self._list = checklist(review.items, self._list)
        self._said = None
        self._trouble = ""
        self._show()

    def _to_open(self) -> None:
        """Puts the cursor on the first item that blocks. Once: from then on nobody but a key moves it, so that
        no note lands on another item than the one that was looked at."""
        first = next((at for at, row in enumerate(self._rows) if not isinstance(row, Folded) and row.blocks), None)
        if first is not None:
            self.items.move(first)

    def _failed(self, error: Exception) -> None:
        self._error = words_of(error)
        self._show()

    def _show(self) -> None:
        self.steps.fill(self._top_lines)
        self.items.fill(self._item_lines)
        self._show_gate()
        self.crumbs.refresh()

    def _item_lines(self, columns: int) -> list[Line]:
        """Which rows there are goes by how many have room."""
        if self.review is None:
            self._rows = []
        else:
            self._rows = self._list.rows(self.items.size.height, shown=self._passed_shown)
        self.items.tell([row.id for row in self._rows], [self._whole_row(row) for row in self._rows])
        answered = sum(bool(item.answered or item.overridden) for item in self._list.first) + len(self._list.passed)
        block = sum(item.blocks for item in self._list.first)
        frame = self.items.frame
        if frame is not None and self.review is not None:
            count_in(frame, _counted(answered, block, len(self.review.items)))
        return [row.line(columns) if isinstance(row, Folded) else item_line(row, columns) for row in self._rows]

    def _whole_row(self, row: Row) -> str:
        """What is searched, and what `=` shows: a fold is found by what it folds."""
        if not isinstance(row, Folded):
            return whole_item(row)
        return row.words if row.open else " ".join([row.words, *(whole_item(item) for item in row.items)])

    def _show_gate(self) -> None:
        self.gate.fill(lambda columns: gate_lines(self._gate(), self.review, self._item(), columns - 1))

    def _gate(self) -> Readiness:
        go = self._startable()
        closed = go.reason if isinstance(go, Unavailable) else ""
        far, path = self._progress
        return Readiness(closed, self.accepted, far, path, self._trouble, self._before)

    def _evaluate(self, told: str = "") -> None:
        """Judges again under the answers that stand now, and says what is `told` then."""
        raise NotImplementedError

    def _startable(self) -> ReviewFacts | Unavailable:
        """The review, if nothing keeps it from starting."""
        raise NotImplementedError

    @property
    def cramped(self) -> str:
        """Why nothing is decided here: not all that it is about can be seen. "" where it can."""
        columns, rows = self.size
        return f"the steps need {NARROW}x{SHORT}, this has {columns}x{rows}" if self._is_cramped else ""

    @property
    def _is_cramped(self) -> bool:
        return self.size.width < NARROW or self.size.height < SHORT

    def on_resize(self) -> None:
        self.set_class(self.size.width >= BROAD, "-broad")
        self.set_class(self._is_cramped, "-cramped")
        self.pane_chosen()

    def pane_chosen(self) -> None:
        """Where there is room for one pane alone it is the one that the keys move in."""
        for part in self.panes():
            frame = part.frame or part
            frame.styles.display = "block" if part is self.moved_in or not self._is_cramped else "none"

    def _top_lines(self, columns: int) -> list[Line]:
        if self._error:
            return refused_lines(self._error, columns - 2)
        if self.review is None:
            return [((" reading the scripts and asking the server ...", "muted"),)]
        if self.review.marks:
            return mark_lines(self.review, columns - 1)
        self.steps.stands_for(step_names(self.review, columns - 1))
        return step_lines(self.review, columns - 1, how=self.how, evidence=self._evidence)

    def _row(self) -> Row | None:
        return self._rows[min(self.items.cursor, len(self._rows) - 1)] if self._rows else None

    def _item(self) -> ItemFacts | None:
        row = self._row()
        return None if isinstance(row, Folded) else row

    def on_choices_moved(self, message: Choices.Moved) -> None:
        message.stop()
        self._show_gate()

    def panes(self) -> Sequence[Lines]:
        return (self.items, self.steps, self.gate)


def _counted(answered: int, block: int, of: int) -> str:
    """How far a checklist is: what is answered, and what the run still needs."""
    if not of:
        return ""
    rest = f"{block} needed" if block else "" if answered == of else "no other is needed"
    return f"{answered} of {of} done{', ' if rest else ''}{rest}"
