"""How the schema of an environment differs from its plan, object by object, as it was when somebody looked last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Self

from pgmig_tui.display.cells import Line, Role, line
from pgmig_tui.display.safe import safe
from pgmig_tui.display.words import utc
from pgmig_tui.ui.keys import Key, Keys, Unavailable, with_item
from pgmig_tui.ui.messages import DriftKnown
from pgmig_tui.ui.screens.rows import ListedRow, RowsScreen
from pgmig_tui.ui.threads import words_of

if TYPE_CHECKING:
    from pgmig_tui.review.drift_kept import KeptDifference, KnownDrift


class DriftScreen(RowsScreen):
    """Compares by itself where nothing that holds is known; leaving it lets that go on. The environment is but read."""

    screen_id: ClassVar[str] = "drift"
    listed: ClassVar[str] = "differences"
    _doing = ""

    def set_up(self) -> None:
        super().set_up()
        mark, _ = self.answers.drift_mark(self.environment.name, self.shell.clock())
        if mark.startswith("?"):
            self._look()

    def _look(self) -> None:
        name, session, answers = self.environment.name, self.session, self.answers
        if name in answers.looking:
            self.say("it is being compared already", "muted")
            return
        answers.looking.add(name)
        self.trouble = ""
        app = self.app

        def tell(text: str) -> None:
            self.meanwhile(text, self._told, self._failed)

        def work() -> KnownDrift:
            try:
                return session.look_for_drift(name, tell)
            finally:
                answers.looking.discard(name)
                # For home, wherever this screen is by then: what was found is kept in a file.
                app.post_message(DriftKnown(session.known_drift()))

        self.later("drift", work, self._take, self._failed)
        self.show_rows()

    def _told(self, text: str) -> None:
        self._doing = text
        self.summary.refresh()

    def _take(self, known: KnownDrift) -> None:
        self._doing = ""
        self.answers.drift = {**self.answers.drift, self.environment.name: known}
        self.show_rows()

    def _failed(self, error: Exception) -> None:
        self._doing, self.trouble = "", words_of(error)
        self.show_rows()

    @property
    def known(self) -> KnownDrift | None:
        return self.answers.drift.get(self.environment.name)

    def answers_changed(self) -> None:
        self.show_rows()

    def doing(self) -> str:
        return "DRIFT from the plan"

    # What is shown

    def summary_line(self, columns: int) -> Line:
        if self.environment.name in self.answers.looking:
            return ((f" ~ comparing: {safe(self._doing) or 'asking the server'} ...", "running"),)
        return self.answers.drift_words(self.environment.name, self.shell.clock())

    def rows_now(self) -> Sequence[ListedRow]:
        known = self.known
        if known is None:
            return ()
        notes = [
            ListedRow(("note", text), line((f"! {safe(text)}", "waiting")), (line(safe(text)),)) for text in known.notes
        ]
        return (*notes, *(_row(one) for one in known.differences))

    def empty_line(self) -> Line:
        if self.environment.name in self.answers.looking:
            return ((" what differs is listed when the comparison has ended", "muted"),)
        if self.known is None or self.trouble:
            return ((" ? unknown: nothing was compared", "stale"),)
        mark, role = self.answers.drift_mark(self.environment.name, self.shell.clock())
        return ((f" {mark[0]} none of {self.known.compared} objects differed, {utc(self.known.at)}", role),)

    def quiet_line(self, columns: int) -> Line:
        known = self.known
        if self.environment.name in self.answers.looking:
            return ((" Esc leaves it to go on; home marks the environment then", "muted"),)
        if known is None:
            return ((" r compares it with the plan; the environment is only read", "muted"),)
        more = known.open + sum(bool(one.accepted) for one in known.differences) - len(known.differences)
        tail = f"; {more} that are parts of these are not listed" if more > 0 else ""
        return ((f" {known.compared} objects compared {utc(known.at)}; r compares again{tail}", "muted"),)

    # Keys

    @classmethod
    def own_keys(cls) -> Keys[Self]:
        return (
            Key(
                "drift.look", "r", "r", "Compare", "compare with the plan now, on a server of our own; takes a while",
                with_item(cls._idle, cls.do_look),
            ),
            Key("drift.write", "w", "w", "Write", "write all of it to a file", with_item(cls._known_now, cls.do_write)),
            *cls.moves("line"),
        )  # fmt: skip

    def _idle(self) -> str | Unavailable:
        name = self.environment.name
        return Unavailable("it is being compared") if name in self.answers.looking else name

    def _known_now(self) -> KnownDrift | Unavailable:
        return self.known or Unavailable("nobody has looked yet")

    def do_look(self, name: str) -> None:
        self._look()

    def do_write(self, known: KnownDrift) -> None:
        told = [f"{self.environment.name}: {known.open} of {known.compared} objects differ, {known.at}", *known.notes]
        for one in known.differences:
            told += [f"{'~' if one.accepted else 'x'} {one.object}: {one.how}", *(f"    {text}" for text in one.more)]
        self.write(f"drift-{self.environment.name}.txt", "\n".join(told) + "\n")

    def help_text(self) -> tuple[str, ...]:
        return (
            "x differs   ~ differs, which pgmig.toml accepts   - as the plan has it   + as it is there",
            "On home: + same, ! diff, ? unknown (nobody has looked) or old (something was deployed since).",
        )


def _row(one: KeptDifference) -> ListedRow:
    role: Role = "muted" if one.accepted else "failed"
    told = line((f"{'~' if one.accepted else 'x'} {safe(one.object)}", role), safe(f": {one.how}"))
    return ListedRow(
        one.object, told, (line((safe(one.object), "strong"), safe(f": {one.how}")), *map(_more, one.more))
    )


def _more(text: str) -> Line:
    role: Role = "failed" if text.startswith("-") else "done" if text.startswith("+") else "plain"
    return line((safe(text), role))
