"""The review: the only door to a run. Its steps, its checklist, and what it still needs to start."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Sequence
from typing import ClassVar, Self

from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from pgmig_tui.display.cells import Line, Role, point, wrap
from pgmig_tui.display.safe import safe
from pgmig_tui.display.words import count, iso, listing
from pgmig_tui.errors import Refused
from pgmig_tui.gates.checklist import DATA_LOSS, LEAST_REASON
from pgmig_tui.ui.backend.protocol import Answered, Command, EnvironmentFacts, ItemFacts, Manner, ReviewFacts, Watch
from pgmig_tui.ui.destinations import ToReview, ToRun
from pgmig_tui.ui.keys import Key, Keys, Unavailable, WhyNot, unless, with_item
from pgmig_tui.ui.screens.base import BaseScreen
from pgmig_tui.ui.screens.confirm import VERBS, confirm, confirm_emergency, confirm_lift
from pgmig_tui.ui.screens.dialog import AskScreen, ConfirmScreen, EvidenceScreen, paragraph, take_back
from pgmig_tui.ui.threads import words_of
from pgmig_tui.ui.views.checklist import head_line, item_line, whole_item
from pgmig_tui.ui.views.review import mark_lines, passed_by, step_lines, step_names
from pgmig_tui.ui.widgets.lines import Bar, Choices, Lines, Movable

REASON = LEAST_REASON
_STALE = "plan or configuration have changed on disk since; r reads them again"
ITS_OWN = "checked by the program, nobody can tick it; o overrides it with a reason"


class ReviewScreen(BaseScreen):
    """Prepares a run in a thread. `E` asks for the word; before it nothing is changed anywhere."""

    screen_id: ClassVar[str] = "review"
    CSS_PATH = "../styles/review.tcss"
    footed: ClassVar[Collection[str]] = ("any.help", "any.back")

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
        yield self.steps
        yield Horizontal(Vertical(self.title_bar, self.items, id="list"), self.gate, id="lower")

    def set_up(self) -> None:
        self.crumbs.make(self._crumbs_line)
        self.title_bar.make(lambda columns: head_line("Before", columns))
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
                self.review = review
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
            self.gate.fill(lambda columns: self._gate_lines(columns - 1))

        def done(why: str) -> None:
            if why:
                self._before = f"? nothing is kept for a watch after it: {why}"
                self.gate.fill(lambda columns: self._gate_lines(columns - 1))

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
        self.say(_STALE)

    def do_ask(self) -> None:
        super().do_ask()
        if self._starting or self._dumping:
            return
        self._stale, self._error, self._trouble, self.review, self.accepted = False, "", "", None, False
        self._answers = {}
        self._show()
        self._prepare()

    def _take(self, review: ReviewFacts) -> None:
        self.review = review
        self._said = None
        self._trouble = ""
        self._show()

    def _to_open(self) -> None:
        """Puts the cursor on the first item that blocks. Once: from then on nobody but a key moves it, so that
        no note lands on another item than the one that was looked at."""
        items = self.review.items if self.review is not None else ()
        first = next((index for index, item in enumerate(items) if item.blocks), None)
        if first is not None:
            self.items.move(first)

    def _failed(self, error: Exception) -> None:
        self._error = words_of(error)
        self._show()

    def _show(self) -> None:
        self.steps.fill(self._top_lines)
        items = self.review.items if self.review is not None else ()
        self.items.tell([item.id for item in items], [whole_item(item) for item in items])
        self.items.fill(lambda columns: [item_line(item, columns) for item in items])
        self.gate.fill(lambda columns: self._gate_lines(columns - 1))
        self.crumbs.refresh()

    def _top_lines(self, columns: int) -> list[Line]:
        if self._error:
            head: Line = ((" This can't be done. Nothing was changed.", "failed"),)
            return [head, (), *wrap(safe(self._error), columns - 2, indent=" ")]
        if self.review is None:
            return [((" reading the scripts and asking the server ...", "muted"),)]
        if self.review.marks:
            return mark_lines(self.review, columns - 1)
        self.steps.stands_for(step_names(self.review, columns - 1))
        return step_lines(self.review, columns - 1, how=self.how, evidence=self._evidence)

    def _gate_lines(self, columns: int) -> list[Line]:
        go = self._startable()
        lines: list[Line] = [((" Gate", "title"),)]
        far, path = self._progress
        if far:
            lines += point(f"~ {safe(far)}", columns, "running")
        if isinstance(go, Unavailable):
            lines += point(f"x cannot start: {safe(go.reason)}", columns, "failed")
        else:
            lines += point("+ ready to start (E, then the word)", columns, "done")
        if self._trouble:
            lines += point(f"x {safe(self._trouble)}", columns, "failed")
        if path:
            lines += point(safe(path), columns, "muted")
        lines.append(())
        if self.review is not None:
            losses = self.review.accepts or self.review.losses
            if self.review.wants_loss_accepted:
                box, what = "[+]" if self.accepted else "[ ]", "DATA LOSS" if losses.certain else "POSSIBLE DATA LOSS"
                role: Role = "waiting" if self.accepted else "failed"
                text = f"{box} a: accept {what}: {safe(listing(losses.all))}"
                lines += wrap(text, columns, role, indent=" ", hanging="     ")
            else:
                for kind in losses.kinds:
                    text = f"{kind.head} {safe(listing(kind.what))}"
                    lines += point(text, columns, kind.role)
            if self.review.creates:
                made = ", ".join(self.review.creates)
                lines += point(f"creates schema {safe(made)}", columns, "waiting")
            current = self._item()
            if current is not None and current.summary and (not current.answered or current.overridden):
                lines += point(safe(current.summary), columns, "muted")
            if current is not None and not current.answered and current.id in self.review.again:
                note, why = self.review.again[current.id]
                lines += point(f'"{safe(note)}" must be said again: {safe(why)}', columns, "waiting")
            if current is not None and current.answered:
                word = "overridden" if current.overridden else "attested"
                lines += point(f"{word}: {safe(current.answered)}", columns, "done")
        if self.review is not None and (past := passed_by(self.review)) and self.review.blocking:
            lines += point(f"! declares an emergency, past {count(len(past), 'item')}", columns, "muted")
        if self._before:
            lines += point(safe(self._before), columns, "muted")
        return lines

    def _item(self) -> ItemFacts | None:
        if self.review is None or not self.review.items:
            return None
        return self.review.items[min(self.items.cursor, len(self.review.items) - 1)]

    def on_choices_moved(self, message: Choices.Moved) -> None:
        message.stop()
        self._show()

    # Keys

    def panes(self) -> Sequence[Lines]:
        return (self.items, self.steps, self.gate)

    @classmethod
    def own_keys(cls) -> Keys[Self]:
        return (
            Key(
                "review.tick", "space", "space", "Tick", "attest the item under the cursor; asks for a note",
                with_item(cls._chosen_item, cls.do_tick, cls._looked_at), hidden=cls._marked,
            ),
            Key(
                "review.override", "o", "o", "Override..",
                "pass an item that fails; asks for a reason, which is journaled",
                with_item(cls._chosen_item, cls.do_override, cls._passed), hidden=cls._marked,
            ),
            Key(
                "review.accept", "a", "a", "Accept", "accept the data loss that is listed",
                with_item(cls._prepared_review, cls.do_accept, cls._no_acceptance), hidden=cls._marked,
            ),
            Key(
                "review.backup", "b", "b", "Backup..", "make a backup, or ask who makes them, and have it proven",
                with_item(cls._prepared_review, cls.do_backup, cls._no_backup), True, hidden=cls._marked,
            ),
            Key(
                "review.unlock", "u", "u", "Unlock..",
                "let this protected environment be changed for this session; GO unlocks its run",
                with_item(cls._prepared_review, cls.do_unlock, cls._unlocked), True,
            ),
            Key(
                "review.lift", "L", "L", "Lift..", "lift the `do not deploy` of what was rolled back, with a reason",
                with_item(cls._prepared_review, cls.do_lift, cls._no_lift), True,
                hidden=lambda screen: not screen._marked(),
            ),
            Key(
                "review.go", "E", "E", "GO..", "ask for the confirmation word; nothing runs before it",
                with_item(cls._startable, cls.do_go), True,
            ),
            Key(
                "review.dry_run", "D", "D", "DRY RUN..", "review, then run all of this and roll it back",
                with_item(cls._prepared_review, cls.do_dry_run, cls._no_dry_run), True,
            ),
            Key(
                "review.evidence", "enter", "Enter", "Evidence",
                "what the item under the cursor hangs on: query, rows, server, times, who said what",
                with_item(cls._chosen_item, cls.do_evidence), hidden=cls._marked,
            ),
            Key(
                "review.emergency", "exclamation_mark", "!", "Emergency..",
                "declare an emergency: go on past what is listed then, with a reason and after the word",
                with_item(cls._prepared_review, cls.do_emergency, cls._no_emergency), True, hidden=cls._marked,
            ),
            *cls.moves("line"),
        )  # fmt: skip

    def _marked(self) -> bool:
        return self.review is not None and bool(self.review.marks)

    def _prepared_review(self) -> ReviewFacts | Unavailable:
        if self._error:
            return Unavailable("it can't be prepared")
        if self.review is not None and self.review.asking:
            return Unavailable("the server is still being asked")
        return self.review or Unavailable("still being prepared")

    def movable(self) -> Movable | Unavailable:
        review = self._prepared_review()
        return review if isinstance(review, Unavailable) else super().movable()

    def _chosen_item(self) -> ItemFacts | Unavailable:
        review = self._prepared_review()
        return review if isinstance(review, Unavailable) else self._item() or Unavailable("there is no item")

    def _looked_at(self, item: ItemFacts) -> WhyNot:
        if not item.seen:
            return None
        return "the program checks this itself" if item.state == "PASS" else ITS_OWN

    def _passed(self, item: ItemFacts) -> WhyNot:
        good = item.state in {"PASS", "N-A"} and not item.answered
        if good:
            return f"it is {item.state}, there is nothing to override"
        return f"it can't be overridden: {item.locked}" if item.locked else None

    def _no_acceptance(self, review: ReviewFacts) -> WhyNot:
        if review.wants_loss_accepted:
            return None
        return "an unprotected environment needs no acceptance" if review.losses else "nothing is lost"

    def _no_backup(self, review: ReviewFacts) -> WhyNot:
        if self._starting:
            return "the run is being started"
        if self._dumping:
            return "a backup is being made"
        return "a verify needs none" if review.command == "verify" else None

    def _no_emergency(self, review: ReviewFacts) -> WhyNot:
        if self.command != "deploy" or self.how != "run":
            return "only a deploy is held up by what an emergency goes past"
        if self._starting:
            return "the run is being started"
        return None if passed_by(review) else "no policy stands in the way of an emergency"

    def _unlocked(self, review: ReviewFacts) -> WhyNot:
        return None if self.shell.locked(self.environment) else "it is not locked"

    def _no_lift(self, review: ReviewFacts) -> WhyNot:
        if not review.marks:
            return "nothing here is marked `do not deploy`"
        return "the marks are being lifted" if self._starting else None

    def _no_dry_run(self, review: ReviewFacts) -> WhyNot:
        if not (review.steps or review.marks):
            return "there is nothing to try"
        return None if self.command == "deploy" and self.how == "run" else "a deploy is what can be tried"

    def _startable(self) -> ReviewFacts | Unavailable:
        """The review, if nothing keeps it from starting."""
        return unless(self._prepared_review(), self._not_ready)

    def _not_ready(self, review: ReviewFacts) -> str | None:
        if self._starting:
            return "the run is being started"
        if self._dumping:
            return "a backup is being made; no run starts beside it"
        if self._stale:
            return _STALE
        if review.refusals:
            return review.refusals[0]
        if review.marks:
            return f"{count(len(review.marks), 'change')} must not be deployed; L lifts that"
        if not review.steps:
            return "nothing to do"
        if review.wants_loss_accepted and not self.accepted:
            return "the data loss is not accepted (a)"
        if review.blocking:
            return f"{count(len(review.blocking), 'item')} open: {listing(review.blocking, 3)}"
        return None

    def do_evidence(self, item: ItemFacts) -> None:
        self.app.push_screen(EvidenceScreen(item))

    def do_tick(self, item: ItemFacts) -> None:
        if item.answered:
            self.app.push_screen(take_back(item), lambda yes: self._take_back(item.id) if yes else None)
            return
        ask = AskScreen(f"{item.title}: {item.asks}", "a note; it goes into the journal", given=self._said_before(item))
        self.app.push_screen(ask, lambda note: self._answer(item.id, "attest", note))

    def do_emergency(self, review: ReviewFacts) -> None:
        question = f"EMERGENCY on {self.environment.name}: why can it not wait?"
        ask = AskScreen(question, "a reason; it is recorded, and told by hooks", least=REASON)
        self.app.push_screen(ask, self._confirm_emergency)

    def _confirm_emergency(self, reason: str | None) -> None:
        review = unless(self._prepared_review(), self._no_emergency)
        if not reason or isinstance(review, Unavailable):
            return
        past = passed_by(review)

        def declare(yes: bool | None) -> None:
            if yes:
                at = iso(self.shell.clock())
                self._answers |= {one.id: Answered(one.id, "emergency", reason, at) for one in past}
                self._evaluate("the emergency is declared; nothing runs before E and the word")

        self.app.push_screen(confirm_emergency(self.environment, review, past, reason), declare)

    def _said_before(self, item: ItemFacts) -> str:
        again = self.review.again.get(item.id, ("", "")) if self.review is not None else ("", "")
        return self.shell.kept.said(self.environment.name, self.command, item.id) or again[0]

    def _take_back(self, item_id: str) -> None:
        self._answers.pop(item_id, None)
        self._evaluate()

    def do_override(self, item: ItemFacts) -> None:
        question, given = f"OVERRIDE {item.title}: for what reason?", self._said_before(item)
        ask = AskScreen(question, "a reason; it goes into the journal", least=REASON, given=given)
        self.app.push_screen(ask, lambda note: self._answer(item.id, "override", note))

    def _answer(self, item_id: str, how: str, note: str | None) -> None:
        if note:
            at = iso(self.shell.clock())
            self._answers[item_id] = Answered(item_id, "override" if how == "override" else "attest", note, at)
            self.shell.kept.note(self.environment.name, self.command, item_id, note)
            self._evaluate()

    def _evaluate(self, told: str = "") -> None:
        """Judges again under the answers that stand now, which the session keeps for another try. `told` is said
        then."""
        session, review, answers = self.session, self.review, tuple(self._answers.values())
        if review is None:
            return
        if trouble := session.keep(review, answers):
            self.say(trouble, "failed")
        self._turn += 1
        turn = self._turn

        def done(found: ReviewFacts) -> None:
            if turn != self._turn:
                return  # it was of what has been read again, or of fewer answers than were given since
            self._take(found)
            if told:
                self.say(told, "done")

        self.later("gate", lambda: session.answer(review, answers), done)

    def do_dry_run(self, review: ReviewFacts) -> None:
        to = review.steps[-1].change_id if review.steps else self.to
        self.go(ToReview(self.environment, "deploy", to, how="try"))

    def do_lift(self, review: ReviewFacts) -> None:
        many = count(len(review.marks), "change")
        ask = AskScreen(f"Why may {many} be deployed again?", "what was fixed; it is kept with the mark", least=REASON)
        self.app.push_screen(ask, self._confirm_lift)

    def _confirm_lift(self, reason: str | None) -> None:
        review, session, name = (
            unless(self._prepared_review(), self._no_lift),
            self.session,
            self.environment.name,
        )
        if not reason or isinstance(review, Unavailable):
            return
        changes = tuple(dict.fromkeys(mark.change_id for mark in review.marks))

        def tell(text: str) -> None:
            self.meanwhile(text, self.say, self._not_lifted)

        def lift(yes: bool | None) -> None:
            if yes and self.review is review:
                self._starting = True
                self._show()
                self.later("lift", lambda: session.lift(name, changes, reason, tell), self._lifted, self._not_lifted)

        self.app.push_screen(confirm_lift(self.environment, review, reason), lift)

    def _lifted(self, nothing: None) -> None:
        self._starting, self.review = False, None
        self._show()
        self._prepare()

    def _not_lifted(self, error: Exception) -> None:
        self._starting, self._trouble = False, words_of(error)
        self._show()

    def do_backup(self, review: ReviewFacts) -> None:
        if self.environment.backups_by:
            self._dump()
            return
        head = f"BACK UP {self.environment.database} by pg_dump, and prove it as pgmig.toml says"
        text = (
            "It reads every table and takes ACCESS SHARE locks meanwhile; Esc here stops it. Decoding it reads the file"
            " only; restored as a test it is on a server of our own, whose rows are counted here beside the dump."
        )
        lines = [*paragraph(head, "strong"), (), *paragraph(text)]
        dialog = ConfirmScreen(lines, "yes", danger=self.environment.protected, undone="no dump has begun")
        self.app.push_screen(dialog, lambda yes: self._dump() if yes else None)

    def _dump(self) -> None:
        review, session, stopping = (
            unless(self._prepared_review(), self._no_backup),
            self.session,
            self._left.is_set,
        )
        if isinstance(review, Unavailable):
            self.say(f"no dump was begun: {review.reason}")
            return
        self._dumping = True
        self._stop_sampling()  # a dump is no usual time
        self._show()
        others = self.environment.backups_by
        self.say(f"asking {others} for its newest backup ..." if others else "making a backup ...", "running")

        def tell(text: str, path: str) -> None:
            self.meanwhile((text, path), self._told, self._not_dumped)

        self.later("backup", lambda: session.backup(review, stopping, tell), self._dumped, self._not_dumped)

    def _told(self, progress: tuple[str, str]) -> None:
        if self._dumping:
            self._progress = progress
            self.gate.fill(lambda columns: self._gate_lines(columns - 1))

    def _dumped(self, review: ReviewFacts) -> None:
        self._dumping, self._progress = False, ("", "")
        self._take(review)
        self._evaluate()
        self._sample()

    def _not_dumped(self, error: Exception) -> None:
        self._dumping, self._progress = False, ("", "")
        self._trouble = words_of(error)
        self._sample()
        self._show()
        self.say("the backup failed", "failed")

    def on_unmount(self) -> None:
        self._left.set()
        self._stop_sampling()

    def do_accept(self, review: ReviewFacts) -> None:
        self.accepted = not self.accepted
        self._show()

    def do_unlock(self, review: ReviewFacts) -> None:
        self.shell.unlock(self.environment, self._show)

    def do_go(self, review: ReviewFacts) -> None:
        dialog = confirm(self.environment, review, self.shell, how=self.how)
        self.app.push_screen(dialog, self._confirmed)

    def _confirmed(self, yes: bool | None) -> None:
        review, session = self._startable(), self.session
        if not yes or isinstance(review, Unavailable):
            self.say("nothing was started")
            return
        self._starting = True
        self._stop_sampling()
        self._show()
        self.say("starting the run ...", "running")
        answers = list(self._answers.values())
        if self.accepted:
            answers.append(Answered(DATA_LOSS, "attest", "; ".join(review.accepts.all)))
        self.later(
            "start",
            lambda: session.start(review, answers),
            lambda watch: self._started(review, watch),
            lambda error: self._not_started(review, error),
        )

    def _started(self, review: ReviewFacts, watch: Watch) -> None:
        self.go_on_to(ToRun(watch.run_id, self.environment, watch))

    def _not_started(self, review: ReviewFacts, error: Exception) -> None:
        self._starting = False
        if isinstance(error, Refused):  # what the review shows is no longer so: look again, and keep the answers
            session, answers = self.session, tuple(self._answers.values())
            self.later("gate", lambda: session.answer(review, answers), lambda found: self._again(found, error))
            return
        self._error = words_of(error)
        self._show()

    def _again(self, review: ReviewFacts, error: Refused) -> None:
        self._take(review)
        self._trouble = words_of(error)
        self._show()

    def help_text(self) -> tuple[str, ...]:
        return (
            "Nothing runs before the typed word. Steps run in this order and stop at the first failure.",
            "tx yes: the change happens whole or not at all. tx NO: statement by statement, a failure leaves a part.",
        )
