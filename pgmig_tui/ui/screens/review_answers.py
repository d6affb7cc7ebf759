"""What a person says to the checklist of a review: notes, reasons, an emergency, and what they take back."""

from __future__ import annotations

from collections.abc import Callable

from pgmig_tui.display.words import iso
from pgmig_tui.gates.checklist import LEAST_REASON
from pgmig_tui.ui.backend.protocol import Answered, ItemFacts, ReviewFacts
from pgmig_tui.ui.keys import Unavailable, WhyNot, unless, why
from pgmig_tui.ui.screens.confirm import confirm_emergency
from pgmig_tui.ui.screens.dialog import AskScreen, EvidenceScreen, take_back
from pgmig_tui.ui.screens.reviewing import Reviewing
from pgmig_tui.ui.views.checklist_order import Folded, Row
from pgmig_tui.ui.views.review import passed_by

REASON = LEAST_REASON


class Answering(Reviewing):
    """Keeps each answer as a draft at once, and has the gate judged again."""

    def do_evidence(self, row: Row) -> None:
        if isinstance(row, Folded):
            self._passed_shown = not row.open
            self._show()
        else:
            self.app.push_screen(EvidenceScreen(row))

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

        def declare(yes: bool | None) -> None:
            if yes and self.review is not None:
                at = iso(self.shell.clock())
                past = passed_by(self.review)
                self._answers |= {one.id: Answered(one.id, "emergency", reason, at) for one in past}
                self._evaluate("the emergency is declared; nothing runs before E and the word")

        def closed() -> str:
            declarable = unless(self._prepared_review(), self._no_emergency)
            return why(declarable)

        self.app.push_screen(
            confirm_emergency(
                self.environment, review, reason, look=self.look_again(), take=self.seen_again, closed=closed
            ),
            declare,
        )

    def look_again(self) -> Callable[[ReviewFacts], ReviewFacts]:
        """What asks for the same review once more, under the answers that stand now; for a thread."""
        session, answers = self.session, tuple(self._answers.values())
        return lambda review: session.look_again(review, answers)

    def seen_again(self, review: ReviewFacts) -> None:
        """What was found while a question stands is what this screen shows, too."""
        self._turn += 1  # what was asked for before would put older facts in its place
        self._take(review)

    def _prepared_review(self) -> ReviewFacts | Unavailable:
        if self._error:
            return Unavailable("it can't be prepared")
        if self.review is not None and self.review.asking:
            return Unavailable("the server is still being asked")
        return self.review or Unavailable("still being prepared")

    def _no_emergency(self, review: ReviewFacts) -> WhyNot:
        if self.command != "deploy" or self.how != "run":
            return "only a deploy is held up by what an emergency goes past"
        if self._starting:
            return "the run is being started"
        return self.cramped or (None if passed_by(review) else "no policy stands in the way of an emergency")

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

    def do_accept(self, review: ReviewFacts) -> None:
        self.accepted = not self.accepted
        self._show()
