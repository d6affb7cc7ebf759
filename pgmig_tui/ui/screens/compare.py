"""What two environments have deployed, side by side; which of their schemas' objects differ is asked for by a key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Self

from pgmig_tui.display.cells import Line
from pgmig_tui.display.words import count
from pgmig_tui.ui.backend.protocol import EnvironmentFacts
from pgmig_tui.ui.keys import Key, Keys, Unavailable, WhyNot, always, with_item
from pgmig_tui.ui.screens.dialog import ReadScreen
from pgmig_tui.ui.screens.rows import ListedRow, RowsScreen
from pgmig_tui.ui.threads import words_of

if TYPE_CHECKING:
    from pgmig_tui.review.deployed_compared import Compared


class CompareScreen(RowsScreen):
    """Asks both servers when it opens. Both are but read."""

    screen_id: ClassVar[str] = "compare"
    listed = "differences"

    def __init__(self, here: EnvironmentFacts, there: EnvironmentFacts) -> None:
        super().__init__(here)
        self.there = there
        self.found: Compared | None = None
        self._looking = False
        self._round = 0

    def set_up(self) -> None:
        super().set_up()
        self._ask()

    def _ask(self) -> None:
        self._round += 1
        session, here, there, number = self.session, self.environment.name, self.there.name, self._round
        self.trouble = ""

        def take(found: Compared) -> None:
            if number == self._round:
                self.found = found
                self.show_rows()

        self.later("compare", lambda: session.compare(here, there), take, self._failed)
        self.show_rows()

    def _failed(self, error: Exception) -> None:
        self._looking, self.trouble = False, words_of(error)
        self.show_rows()

    def do_ask(self) -> None:
        super().do_ask()
        self._ask()

    # What is shown

    def doing(self) -> str:
        return f"COMPARED WITH {self.there.name}"

    def summary_line(self, columns: int) -> Line:
        if self.found is None:
            return ((f" ~ asking {self.environment.name} and {self.there.name} ...", "running"),)
        from pgmig_tui.review.deployed_compared import headline

        return ((" ", "plain"), *headline(self.found))

    def rows_now(self) -> Sequence[ListedRow]:
        found = self.found
        if found is None:
            return ()
        from pgmig_tui.review.deployed_compared import details, row

        return tuple(
            ListedRow((one.kind, one.change_id), row(one, found), tuple(details(one, found))) for one in found.unlike
        )

    def empty_line(self) -> Line:
        if self.found is None:
            return ((" ? unknown: nothing was compared", "stale"),) if self.trouble else ()
        return () if self.found.problems else ((" + no change, tag or order differs", "done"),)

    def quiet_line(self, columns: int) -> Line:
        if self._looking:
            return ((" ~ comparing the schemas, object by object ...", "running"),)
        told = (
            count(len(self.rows), "difference") if self.found is not None and not self.found.problems else "nothing yet"
        )
        return ((f" {told}; S compares the schemas themselves, r asks again", "muted"),)

    # Keys

    @classmethod
    def own_keys(cls) -> Keys[Self]:
        return (
            Key(
                "compare.open", "enter", "Enter", "Open", "all that is known of the change under the cursor",
                with_item(cls._row, cls.do_open),
            ),
            Key(
                "compare.drift", "S", "S", "Schema drift",
                "compare the two schemas object by object, as drift A B does; both are only read",
                with_item(cls._both, cls.do_drift, cls._busy),
            ),
            Key(
                "compare.swap", "s", "s", "Swap", "the other one first", always(cls.do_swap),
            ),
            *cls.moves("change"),
        )  # fmt: skip

    def _both(self) -> tuple[str, str] | Unavailable:
        names = (self.environment.name, self.there.name)
        reason = next((why for name in names if (why := self.answers.silent(name))), None)
        return Unavailable(reason) if reason else names

    def _busy(self, names: tuple[str, str]) -> WhyNot:
        return "they are being compared" if self._looking else None

    def do_open(self, row: ListedRow) -> None:
        self.app.push_screen(ReadScreen(row.more))

    def do_drift(self, names: tuple[str, str]) -> None:
        session = self.session
        self._looking = True

        def done(lines: Sequence[Line]) -> None:
            self._looking = False
            self.app.push_screen(ReadScreen(lines))

        self.later("drift between", lambda: session.drift_between(*names), done, self._failed)

    def do_swap(self) -> None:
        self.environment, self.there = self.there, self.environment
        self.found = None
        self._ask()

    def help_text(self) -> tuple[str, ...]:
        return (
            "+ only here   - only there   ! other script, by its hash   ~ other order, or other tags",
            "By their registries alone, as `pgmig-tui compare A OTHER` tells it; the plan is not asked.",
        )
