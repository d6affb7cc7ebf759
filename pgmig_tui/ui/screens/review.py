"""The review: the only door to a run. Its steps, its checklist, and what it still needs to start."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ClassVar, Self

from pgmig_tui.display.words import count, listing
from pgmig_tui.errors import Refused
from pgmig_tui.gates.checklist import DATA_LOSS
from pgmig_tui.ui.backend.protocol import Answered, ItemFacts, ReviewFacts, Watch
from pgmig_tui.ui.destinations import ToReview, ToRun
from pgmig_tui.ui.keys import Key, Keys, Unavailable, WhyNot, unless, why, with_item
from pgmig_tui.ui.screens.confirm import confirm, confirm_lift
from pgmig_tui.ui.screens.dialog import AskScreen, ConfirmScreen, paragraph
from pgmig_tui.ui.screens.review_answers import REASON, Answering
from pgmig_tui.ui.screens.reviewing import STALE
from pgmig_tui.ui.threads import words_of
from pgmig_tui.ui.views.checklist_order import Folded
from pgmig_tui.ui.widgets.lines import Movable

ITS_OWN = "checked by the program, nobody can tick it; o overrides it with a reason"


class ReviewScreen(Answering):
    """Prepares a run in a thread. `E` asks for the word; before it nothing is changed anywhere."""

    screen_id: ClassVar[str] = "review"

    # Keys

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
                cls._enter, hidden=cls._marked,
                called=lambda screen: screen._enter_word,
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

    def movable(self) -> Movable | Unavailable:
        review = self._prepared_review()
        return review if isinstance(review, Unavailable) else super().movable()

    def _chosen_item(self) -> ItemFacts | Unavailable:
        review = self._prepared_review()
        if isinstance(review, Unavailable):
            return review
        folded = isinstance(self._row(), Folded)
        return self._item() or Unavailable("this line stands for several" if folded else "there is no item")

    def _enter(self) -> Callable[[], None] | Unavailable:
        review, row = self._prepared_review(), self._row()
        if isinstance(review, Unavailable):
            return review
        return Unavailable("there is no item") if row is None else partial(self.do_evidence, row)

    @property
    def _enter_word(self) -> str:
        row = self._row()
        if not isinstance(row, Folded):
            return "Evidence"
        return "Fold" if row.open else "Show"

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
            return self.cramped or None
        return "an unprotected environment needs no acceptance" if review.losses else "nothing is lost"

    def _no_backup(self, review: ReviewFacts) -> WhyNot:
        if self._starting:
            return "the run is being started"
        if self._dumping:
            return "a backup is being made"
        return "a verify needs none" if review.command == "verify" else None

    def _unlocked(self, review: ReviewFacts) -> WhyNot:
        return None if self.shell.locked(self.environment) else "it is not locked"

    def _no_lift(self, review: ReviewFacts) -> WhyNot:
        if not review.marks:
            return "nothing here is marked `do not deploy`"
        return "the marks are being lifted" if self._starting else self.cramped or None

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
            return STALE
        if self.cramped:
            return self.cramped
        if review.outdated:
            return f"{review.outdated[0]}; r reads it anew"
        if review.refusals:
            return review.refusals[0]
        if review.marks:
            return f"{count(len(review.marks), 'change')} must not be deployed; L lifts that"
        if not review.steps:
            return "nothing to do"
        if review.wants_loss_accepted and not self.accepted:
            return "the data loss is not accepted (a)"
        if review.blocking:
            names = [item.title for item in self._list.first if item.blocks]
            return f"{count(len(names), 'item')} open: {listing(names, 3)}"
        return None

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
            self._show_gate()

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

    def do_unlock(self, review: ReviewFacts) -> None:
        self.shell.unlock(self.environment, self._show)

    def do_go(self, review: ReviewFacts) -> None:
        dialog = confirm(
            self.environment, review, self.shell, how=self.how,
            look=self.look_again(), take=self.seen_again, closed=lambda: why(self._startable()),
        )  # fmt: skip
        self.app.push_screen(dialog, self._confirmed)

    def _confirmed(self, yes: bool | None) -> None:
        review, session = self._startable(), self.session
        if not yes or isinstance(review, Unavailable):
            if self.review is not None and self.review.outdated and not self._stale:
                self._read_anew()
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
