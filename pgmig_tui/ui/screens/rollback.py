"""Rolling back: what goes and to which point, what it costs and whether it was tried. For 3 a.m.: few keys, three acts.

A capital letter leads here, the loss is accepted (or saved) by a key of its own, and the word is typed. Nothing else
starts anything.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import ClassVar, Self

from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from pgmig_tui.display.cells import Line, point, text_of, wrap, wrapped
from pgmig_tui.display.safe import safe
from pgmig_tui.display.words import count, iso, time_of_day
from pgmig_tui.errors import Refused
from pgmig_tui.gates.checklist import DATA_LOSS
from pgmig_tui.review.now import OLD_S
from pgmig_tui.review.rollback_steps import row_lines
from pgmig_tui.ui.backend.protocol import Answered, EnvironmentFacts, ItemFacts, Rollback, Watch
from pgmig_tui.ui.destinations import ToForeign, ToRollbackRun
from pgmig_tui.ui.keys import Key, Keys, Unavailable, WhyNot, unless, why, with_item
from pgmig_tui.ui.screens.base import BaseScreen
from pgmig_tui.ui.screens.confirm import lost, named, whereabouts, word_for
from pgmig_tui.ui.screens.dialog import AskScreen, DryRunScreen, EvidenceScreen, paragraph
from pgmig_tui.ui.screens.last_question import Asked, LastQuestion
from pgmig_tui.ui.screens.review_answers import REASON
from pgmig_tui.ui.threads import words_of
from pgmig_tui.ui.views.changed import rollback_differences
from pgmig_tui.ui.views.review import refused_lines
from pgmig_tui.ui.widgets.lines import Lines, Movable
from pgmig_tui.ui.widgets.panes import framed

BROAD = 140
"""Columns from which the scripts stand beside what they cost."""
_FEW = 6
"""So many losses stand before what else there is to know."""


class RollbackScreen(BaseScreen):
    """Looks in a thread; `E` asks for the word. Before it nothing is changed anywhere, and no run is stopped."""

    screen_id: ClassVar[str] = "rollback"
    CSS_PATH = "../styles/rollback.tcss"
    footed: ClassVar[Collection[str]] = ("any.help", "any.back")

    def __init__(self, environment: EnvironmentFacts, *, came_from: str = "") -> None:
        """`came_from` is the run on whose screen the rollback was asked for."""
        super().__init__()
        self.environment = environment
        self.rollback: Rollback | None = None
        self.accepted = False
        self._came_from = came_from
        self._to: str | None = None
        self._save: bool | None = None
        self._answers: dict[str, Answered] = {}
        self._error = ""
        self._refused = ""
        self._turn = 0
        self._seen_at: datetime | None = None
        self._looking = False
        self._starting = False
        self._with_sql = False
        self._sql_at = 0
        self.steps = Lines(identity="steps")
        self.lower = Lines(identity="lower")
        self.scripts = Lines(identity="scripts")

    def body(self) -> Iterable[Widget]:
        left = Vertical(
            framed(self.steps, "in this order"), framed(self.lower, "what is lost, and in the way"), id="left"
        )
        yield Horizontal(left, framed(self.scripts, "the scripts"), id="whole")

    def set_up(self) -> None:
        super().set_up()
        self._look()

    @property
    def where(self) -> EnvironmentFacts | None:
        return self.environment

    def doing(self) -> str:
        if self.rollback is None or not self.rollback.steps:
            return "ROLL BACK"
        return f"ROLL BACK {count(len(self.rollback.steps), 'change')}"

    # Facts

    def _look(self) -> None:
        """Ask again, for another point or with another wish to save; what was accepted was for what was shown."""
        self._turn += 1
        self._looking, self.accepted = True, False
        turn, session, name, to, save = self._turn, self.session, self.environment.name, self._to, self._save
        self._show()

        def done(found: Rollback) -> None:
            if turn == self._turn:
                self._looking, self._error = False, ""
                self._seen_at = self.shell.clock()
                self.rollback = found
                self._show()

        def failed(error: Exception) -> None:
            if turn == self._turn:
                self._looking = False
                self._error = words_of(error)
                self._show()

        self.later("look back", lambda: session.look_back(name, to, save), done, failed)

    def do_ask(self) -> None:
        super().do_ask()
        if not self._starting:
            self._look()

    def project_changed(self) -> None:
        """What was shown may be planned otherwise now: it is looked at again, and any confirmation is void."""
        self.environment = self.again(self.environment) or self.environment
        if not self._starting:
            self._look()

    def _show(self) -> None:
        self.steps.fill(self._step_lines)
        self.lower.fill(self._lower_lines)
        self.scripts.fill(self._script_lines)
        self.tick()

    def _step_lines(self, columns: int) -> list[Line]:
        if self._error:
            return refused_lines(self._error, columns)
        lines: list[Line] = []
        rollback = self.rollback
        if rollback is None:
            return [((" looking at what is deployed, what reverting it does, and who is in the way ...", "muted"),)]
        if self._refused:
            lines += point(f"x nothing was started: {safe(self._refused)}", columns, "failed")
        if self._looking:
            lines.append(((" looking again ...", "running"),))
        if rollback.running:
            lines += point(f"! {safe(rollback.running)}", columns, "failed")
            first = "it is stopped first, and what it has committed is reverted"
            first += "; w watches it" if rollback.elsewhere else ""
            lines += wrap(first, columns, "waiting", indent="   ")
        if rollback.nothing:
            return lines + self._nothing_lines(rollback, columns)
        if self._came_from and rollback.run and rollback.run != self._came_from:
            other = f"! not run {safe(self._came_from)}, which you came from: another has deployed since"
            lines += point(other, columns, "waiting")
        for told in rollback.head:
            lines += wrapped(told, columns)
        lines += row_lines(rollback.steps, columns)
        self._sql_at = len(lines) + 1
        if self._with_sql:
            lines += [(), ((" The statements, by step and line", "title"),)]
            for told in rollback.sql:
                lines += wrapped(told, columns)
        return lines

    @property
    def _broad(self) -> bool:
        """Whether there is room for the scripts beside all else."""
        return self.size.width >= BROAD

    def on_resize(self) -> None:
        self.set_class(self._broad, "-broad")

    def _script_lines(self, columns: int) -> list[Line]:
        rollback = self.rollback
        if rollback is None or not rollback.scripts:
            return [((" no script is run", "muted"),)] if rollback is not None else []
        return [((" ", "plain"), *told) for told in rollback.scripts]

    def _nothing_lines(self, rollback: Rollback, columns: int) -> list[Line]:
        """Why nothing is rolled back, what may be meant, and how a person chooses a point."""
        what = "Nothing is rolled back" if rollback.undecided else "Nothing to roll back"
        lines = wrap(f"{what}: {safe(rollback.nothing)}.", columns, "strong", indent=" ")
        for told in rollback.candidate:
            lines += wrapped(told, columns)
        if not isinstance(self._further(), Unavailable):
            first = "j chooses that point" if rollback.first is not None else "j chooses a point"
            lines += [(), *wrap(f"{first}, j and k another one; nothing is chosen yet", columns, "waiting", indent=" ")]
        return lines

    def _lower_lines(self, columns: int) -> list[Line]:
        rollback = self.rollback
        if rollback is None or self._error or rollback.nothing:
            return [self._gate(columns)[0]] if rollback is not None and not self._error else []
        lines: list[Line] = []
        if rollback.loses:
            box = "[+]" if self.accepted else "[ ]"
            head = f"{box} a: accept DATA LOSS" + ("" if rollback.saves else ", or S: save it first")
            lines.append(((f" {head}", "waiting" if self.accepted else "failed"),))
        losses = [part for told in rollback.losses for part in wrapped(told, columns)]
        # Many losses come last: what shuts GO and who is in the way must be seen without paging through them.
        many = len(rollback.losses) > _FEW
        if not many:
            lines += losses or [((" + nothing is lost, as far as can be told", "done"),)]
        lines += self._gate(columns)
        for item in rollback.items:
            if item.blocks or item.answered:
                word = f"overridden: {safe(item.answered)}" if item.answered else "o overrides it with a reason"
                said = f"{safe(item.title)}: {safe(item.summary)}"
                said += "" if item.answered and item.answered in item.summary else f"; {word}"
                mark = "x" if item.blocks else "+"
                lines += point(f"{mark} {said}", columns, "failed" if item.blocks else "waiting")
        for told in rollback.evidence:
            lines += wrapped(told, columns)
        if many:
            lines += [(), ((f" What goes, {count(len(rollback.losses), 'line')}", "title"),), *losses]
        return lines

    def _gate(self, columns: int) -> list[Line]:
        go = self._startable()
        if isinstance(go, Unavailable):
            return point(f"x cannot start: {safe(go.reason)}", columns, "failed")
        return [((" + ready to start (E, then the word)", "done"),)]

    # Keys

    @classmethod
    def own_keys(cls) -> Keys[Self]:
        return (
            Key(
                "rollback.accept", "a", "a", "Accept", "accept the data loss that is listed",
                with_item(cls._shown, cls.do_accept, cls._no_loss),
            ),
            Key(
                "rollback.save", "S", "S", "Save first", "keep what would be lost in a schema; again: don't",
                with_item(cls._savable, cls.do_save),
            ),
            Key(
                "rollback.go", "E", "E", "GO..", "ask for the confirmation word; nothing runs before it",
                with_item(cls._startable, cls.do_go), True,
            ),
            Key(
                "rollback.sql", "s", "s", "SQL", "the statements that will be run; again: the steps alone",
                with_item(cls._shown, cls.do_sql, cls._no_sql),
            ),
            Key(
                "rollback.dry_run", "D", "D", "Dry run..",
                "what `rollback --dry-run` tells of the same, also written to a file; nothing is done",
                with_item(cls._shown, cls.do_dry_run, cls._nothing_to_try), True,
            ),
            Key(
                "rollback.override", "o", "o", "Override..", "pass an item that stands in the way; asks for a reason",
                with_item(cls._blocking, cls.do_override),
            ),
            Key(
                "rollback.down", "j,down", "j", "", "further back: one change less stays",
                with_item(cls._further, cls.do_choose),
            ),
            Key(
                "rollback.up", "k,up", "k", "", "less far back: one change more stays",
                with_item(cls._less_far, cls.do_choose),
            ),
            Key(
                "rollback.watch", "w", "w", "", "the run that is under way, as its server tells of it",
                with_item(cls._shown, cls.do_watch, cls._not_elsewhere),
            ),
            Key(
                "rollback.evidence", "i", "i", "",
                "what the items of its checklist hang on: query, rows, server, times, who said what",
                with_item(cls._shown, cls.do_evidence),
            ),
            *cls.moves("line", without={"down", "up"}),
        )  # fmt: skip

    def _busy(self) -> Unavailable | None:
        """Why nothing can be chosen here now."""
        if self._starting:
            return Unavailable("the rollback is being started")
        return Unavailable("still being looked at") if self._looking else None

    def movable(self) -> Movable | Unavailable:
        return Unavailable("the rollback is being started") if self._starting else super().movable()

    def _shown(self) -> Rollback | Unavailable:
        busy = self._busy()
        if busy is not None:
            return busy
        return Unavailable("it can't be done") if self.rollback is None or self._error else self.rollback

    def _startable(self) -> Rollback | Unavailable:
        """The rollback, if nothing keeps it from starting."""
        return unless(self._shown(), self._not_ready)

    def _not_ready(self, rollback: Rollback) -> str | None:
        if rollback.outdated:
            return f"{rollback.outdated[0]}; r looks again"
        if rollback.nothing:
            return None if rollback.running else "there is nothing to revert"
        if rollback.blocking:
            return f"{rollback.blocking[0].title}: {rollback.blocking[0].summary}"
        if rollback.loses and not self.accepted:
            return "the data loss is not accepted (a)"
        return None

    def _no_loss(self, rollback: Rollback) -> WhyNot:
        if rollback.loses:
            return None
        return "all of it is saved" if rollback.saves and rollback.losses else "nothing is lost"

    def _savable(self) -> bool | Unavailable:
        """Whether to save from now on. After an error that isn't wished: it may be what can't be done."""
        busy, rollback = self._busy(), self.rollback
        if busy is not None or rollback is None:
            return busy or Unavailable("it can't be done")
        if self._error or rollback.saves:
            return False
        return bool(rollback.loses) or Unavailable("nothing is lost that could be saved")

    def _no_sql(self, rollback: Rollback) -> WhyNot:
        return None if rollback.sql else "there are no statements"

    def _blocking(self) -> ItemFacts | Unavailable:
        """The first item that stands in the way."""
        rollback = self._shown()
        if isinstance(rollback, Unavailable):
            return rollback
        nothing = Unavailable("nothing stands in the way that a reason could answer")
        return rollback.blocking[0] if rollback.blocking else nothing

    def _further(self) -> str | Unavailable:
        """The point that is one change further back; the first time, the one that may be meant."""
        rollback = self._shown()
        if isinstance(rollback, Unavailable):
            return rollback
        if rollback.kept + 1 >= len(rollback.points):
            return Unavailable("nothing stays already")
        first = rollback.first if rollback.nothing else None
        return rollback.points[rollback.kept + 1 if first is None else first]

    def _less_far(self) -> str | Unavailable:
        rollback = self._shown()
        if isinstance(rollback, Unavailable):
            return rollback
        few = rollback.kept <= 1
        return Unavailable("nothing would be reverted then") if few else rollback.points[rollback.kept - 1]

    def _not_elsewhere(self, rollback: Rollback) -> WhyNot:
        return None if rollback.elsewhere else "no run of another account is under way"

    def do_accept(self, rollback: Rollback) -> None:
        self.accepted = not self.accepted
        self._show()

    def do_save(self, save: bool) -> None:
        self._save = save
        self._look()

    def do_sql(self, rollback: Rollback) -> None:
        self._with_sql = not self._with_sql
        self._show()
        # Below a long list of changes nobody would see that something has come.
        self.call_after_refresh(
            lambda: self.steps.scroll_to(y=self._sql_at if self._with_sql else 0, animate=False, force=True)
        )

    def _nothing_to_try(self, rollback: Rollback) -> WhyNot:
        return None if rollback.dry else "there is nothing to revert"

    def do_dry_run(self, rollback: Rollback) -> None:
        # All that the command tells, by the same code; it was looked at when this screen did.
        self.app.push_screen(DryRunScreen(rollback.dry))
        if self.session.read_only:
            return
        self.write(f"rollback-dry-run-{self.environment.name}.txt", "\n".join(map(text_of, rollback.dry)) + "\n")

    def do_watch(self, rollback: Rollback) -> None:
        self.go(ToForeign(self.environment))

    def do_choose(self, point: str) -> None:
        self._to = point
        self._look()

    def do_evidence(self, rollback: Rollback) -> None:
        self.app.push_screen(EvidenceScreen(*rollback.items))

    def do_override(self, item: ItemFacts) -> None:
        given = self.shell.kept.said(self.environment.name, "revert", item.id)
        question = f"OVERRIDE {item.title}: for what reason?"
        ask = AskScreen(question, "a reason; it goes into the journal", least=REASON, given=given)
        self.app.push_screen(ask, lambda note: self._override(item.id, note))

    def _override(self, item_id: str, note: str | None) -> None:
        if not note or self.rollback is None:
            return
        at = iso(self.shell.clock())
        self._answers[item_id] = Answered(item_id, "override", note, at)
        self.shell.kept.note(self.environment.name, "revert", item_id, note)
        session, rollback, answers = self.session, self.rollback, tuple(self._answers.values())
        self.later("gate", lambda: session.answer_back(rollback, answers), self._judged)

    def _judged(self, rollback: Rollback) -> None:
        if not self._looking:
            self.rollback = rollback
            self._show()

    def do_go(self, rollback: Rollback) -> None:
        session, answers = self.session, tuple(self._answers.values())
        asked = Asked(
            self._asked_lines,
            lambda facts: session.look_back_again(facts, answers),
            rollback_differences, self._seen_again, lambda: why(self._startable()), _in_its_way,
        )  # fmt: skip
        environment = self.environment
        word, danger = rollback.word or word_for(environment), environment.protected or bool(rollback.word)
        self.app.push_screen(LastQuestion(asked, rollback, word, danger=danger), self._confirmed)

    def _asked_lines(self, rollback: Rollback) -> list[Line]:
        environment = self.environment
        what = f"ROLL BACK {count(len(rollback.steps), 'change')}" if rollback.steps else "STOP THE RUN"
        lines = [*paragraph(f"{what} on {named(environment)}", "strong"), *whereabouts(environment, self.shell)]
        if rollback.running:
            lines += paragraph(f"STOPS FIRST: {safe(rollback.running)}", "failed")
        if rollback.steps:
            lines += paragraph(f"back to {safe(rollback.keep)}", "plain")
        lines += lost(rollback.loses)
        if rollback.loses and self._seen_at is not None:
            lines += paragraph(f"(counted at {time_of_day(self._seen_at)})", "muted")
        if rollback.saves:
            lines += paragraph("what would be lost is saved first", "done")
        return lines

    def _seen_again(self, rollback: Rollback) -> None:
        """What was found while the question stands is what this screen shows, too."""
        if not self._looking:
            self.rollback = rollback
            self._show()

    def _confirmed(self, yes: bool | None) -> None:
        shown = self._startable()
        if not yes or isinstance(shown, Unavailable):
            if self.rollback is not None and self.rollback.outdated and not self._looking:
                self._look()
            self.say("nothing was started")
            return
        self._starting, self._refused = True, ""
        self._show()
        self.say("stopping the run that is under way ..." if shown.running else "starting ...", "running")
        session, answers, found = self.session, list(self._answers.values()), shown
        if self.accepted:
            answers.append(Answered(DATA_LOSS, "attest", "; ".join(shown.loses.all)))
        self.later("roll back", lambda: session.roll_back(found, answers), self._started, self._not_started)

    def _started(self, watch: Watch | None) -> None:
        if watch is None:
            self._starting = False
            self.say("the run was stopped; it had committed nothing", "done")
            self._look()
            return
        self.go_on_to(ToRollbackRun(watch.run_id, self.environment, watch))

    def _not_started(self, error: Exception) -> None:
        self._starting = False
        if isinstance(error, Refused):  # what is shown is no longer so: look again
            self._refused = words_of(error)
            self._look()
            return
        self._error = words_of(error)
        self._show()

    def panes(self) -> Sequence[Lines]:
        return (self.steps, self.lower, self.scripts) if self._broad else (self.steps, self.lower)

    def copy_text(self) -> str:
        return self.rollback.command if self.rollback is not None else ""

    def help_text(self) -> tuple[str, ...]:
        return (
            "Nothing runs before the typed word, which also unlocks what it is for. Steps run newest first and stop at"
            " the first failure.",
            "y copies the command that does the same without a screen.",
        )


def _in_its_way(rollback: Rollback) -> list[Line]:
    """Who is in the way of a rollback, as of the last look."""
    if rollback.unseen:
        return paragraph(f"who is in the way is unknown: {rollback.unseen}", "waiting")
    if not rollback.ahead:
        told = f"nobody has been in the way of its locks for {OLD_S:.0f} s or longer"
        return paragraph(told, "done") if rollback.steps else []
    return [line for _who, what in rollback.ahead for line in paragraph(what, "failed")]
