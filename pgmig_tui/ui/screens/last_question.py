"""The last question, which looks again by itself: what is confirmed is what holds now, not what held when it was read.

It asks when it is opened, and over and over while it stands. Until it has an answer the word counts for nothing. What
has become worse since must be read, and the word typed, again; what has become better is only said.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from pgmig_tui.display.cells import Line, cut
from pgmig_tui.display.safe import safe
from pgmig_tui.display.words import ago, time_of_day
from pgmig_tui.ui.messages import WorkFinished
from pgmig_tui.ui.screens.dialog import ConfirmScreen, paragraph
from pgmig_tui.ui.threads import in_thread, post_quietly, words_of
from pgmig_tui.ui.views.changed import NewFact

Facts = TypeVar("Facts")

AGAIN_S = 4.0
"""Seconds from an answer to the next look."""
FRESH_S = 15.0
"""So old an answer may be for the word to count."""
_TOLD = 6
"""So many differences stand in the question, the newest."""


@dataclass(frozen=True)
class Asked(Generic[Facts]):
    """What a question hangs on.

    `told` makes its text, `holds` and `counts` what is said of what was seen just now (safe to draw).
    `look` asks again, and blocks. `differs` says what is other. `take` hands what was found to the screen below.
    `closed` is why nothing can be started from there now, "" where it can.
    """

    told: Callable[[Facts], Sequence[Line]]
    look: Callable[[Facts], Facts]
    differs: Callable[[Facts, Facts], Sequence[NewFact]]
    take: Callable[[Facts], None]
    closed: Callable[[], str]
    holds: Callable[[Facts], Sequence[Line]] = lambda facts: ()
    counts: Callable[[Facts], str] = lambda facts: ""


class LastQuestion(ConfirmScreen, Generic[Facts]):
    """A question whose word counts only for what was seen a few seconds ago."""

    def __init__(
        self,
        asked: Asked[Facts],
        facts: Facts,
        word: str,
        *,
        danger: bool,
        undone: str = "nothing has run yet",
        does: str = "starts it",
    ) -> None:
        super().__init__((), word, danger=danger, undone=undone, does=does)
        self._ask_line = self._given[-1]
        self._asked_for = asked
        self._facts = facts
        self._seen_at: datetime | None = None
        self._changed: list[tuple[str, NewFact]] = []
        self._known: set[str] = set()
        """What has become worse and was shown."""
        self._trouble = ""
        self._given = self._text()

    def on_mount(self) -> None:  # Textual calls that of the dialog by itself
        self.set_interval(1.0, self.hint.refresh)
        self.look_again()

    # Looking

    def look_again(self) -> None:
        """Asks in a thread of its own, and again some seconds after the answer."""
        look, facts = self._asked_for.look, self._facts

        def work() -> None:
            try:
                message = WorkFinished(self._looked, self._not_looked, look(facts), None)
            except Exception as error:
                # Whatever went wrong is for the question to say: else it would look like a wait.
                message = WorkFinished(self._looked, self._not_looked, None, error)
            post_quietly(self.post_message, message)

        in_thread("look again", work)

    def on_work_finished(self, message: WorkFinished) -> None:
        message.stop()
        if self._answered:
            return
        if message.error is not None:
            message.failed(message.error)
        else:
            message.done(message.value)
        self.set_timer(AGAIN_S, self.look_again)

    def _looked(self, facts: Facts) -> None:
        found = self._asked_for.differs(self._facts, facts)
        self._facts, self._trouble, self._seen_at = facts, "", self.shell.clock()
        at = time_of_day(self._seen_at)
        worse = {one.about or one.text for one in found if one.worse} - self._known
        self._known |= worse
        self._changed += [(at, one) for one in found]
        self._asked_for.take(facts)
        self._tell(anew=bool(worse))

    def _not_looked(self, error: Exception) -> None:
        self._trouble = words_of(error)
        self._tell(anew=False)

    def _tell(self, *, anew: bool) -> None:
        """Shows what is known now; `anew`: it has to be read again, and the word be typed again."""
        read = self._read
        self._given = self._text()
        self.set_out()
        self._read = self._read or (read and not anew)
        if anew:
            self.text.scroll_to(y=0, animate=False, force=True)
            if self.input is not None:
                self.input.value = ""
                self.input.since = None
                self.call_after_refresh(self._asked, self.input)
        self.hint.refresh()

    def _text(self) -> tuple[Line, ...]:
        lines: list[Line] = []
        for at, one in self._changed[-_TOLD:]:
            word = "CHANGED" if one.worse else "better"
            lines += paragraph(f"{word} at {at}: {one.text}", "failed" if one.worse else "done")
        if self._changed:
            lines.append(())
        lines += self._asked_for.told(self._facts)
        lines += self._as_of()
        return (*lines, (), self._ask_line)

    def _as_of(self) -> Sequence[Line]:
        """How fresh it is, and what was seen in the way then."""
        if self._seen_at is None and not self._trouble:
            return paragraph("looking again at what is deployed, who is in the way, and the checks ...", "running")
        lines: list[Line] = []
        if self._trouble:
            lines += paragraph(f"could not look again: {self._trouble}", "failed")
        if self._seen_at is not None:
            counts = self._asked_for.counts(self._facts)
            told = f"looked again at {time_of_day(self._seen_at)}" + (f"; {counts}" if counts else "")
            lines += paragraph(told, "muted")
            lines += self._asked_for.holds(self._facts)
        return lines

    # Whether the word counts

    def why_not(self) -> str:
        """Why Enter does nothing whatever is typed, "" where the word counts."""
        if self._trouble:
            return "could not look again; nothing is started on what was seen before"
        if self._seen_at is None:
            return "looking again; the word counts once that has been answered"
        if closed := self._asked_for.closed():
            return f"cannot start: {closed}"
        age_s = (self.shell.clock() - self._seen_at).total_seconds()
        return f"what was seen {ago(age_s)} is too old; looking again" if age_s > FRESH_S else ""

    def fits(self, text: str) -> bool:
        return not self.why_not() and super().fits(text)

    def hint_line(self, columns: int) -> Line:
        why = self.why_not()
        return ((cut(safe(why), columns), "waiting"),) if why else super().hint_line(columns)
