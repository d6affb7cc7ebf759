"""The regular tasks of an environment, section by section; what was found is folded until its section is opened."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar, Self

from pgmig_tui.display.cells import Line, line
from pgmig_tui.display.safe import safe
from pgmig_tui.display.words import count
from pgmig_tui.ui.backend.protocol import EnvironmentFacts
from pgmig_tui.ui.keys import Key, Keys, Unavailable, with_item
from pgmig_tui.ui.screens.rows import ListedRow, RowsScreen
from pgmig_tui.ui.threads import words_of

if TYPE_CHECKING:
    from pgmig_tui.review.maintain_facts import Maintenance, Section


class MaintainScreen(RowsScreen):
    """Asks section by section and changes nothing on the server. What finishes a finding is shown, and not run."""

    screen_id: ClassVar[str] = "maintain"
    listed: ClassVar[str] = "tasks"

    def __init__(self, environment: EnvironmentFacts) -> None:
        super().__init__(environment)
        self.sections: dict[str, Section] = {}
        self.found: Maintenance | None = None
        self.unfolded: set[str] = set()

    def set_up(self) -> None:
        super().set_up()
        self._ask()

    def _ask(self) -> None:
        session, name = self.session, self.environment.name
        self.found, self.trouble = None, ""

        def heard(section: Section) -> None:
            self.meanwhile(section, self._heard, self._failed)

        self.later("maintain", lambda: session.maintain(name, heard), self._take, self._failed)

    def _heard(self, section: Section) -> None:
        self.sections[section.name] = section
        self.show_rows()

    def _take(self, found: Maintenance) -> None:
        self.found = found
        self.sections = {one.name: one for one in found.sections}
        self.show_rows()

    def _failed(self, error: Exception) -> None:
        self.trouble = words_of(error)
        self.show_rows()

    def doing(self) -> str:
        return "MAINTAIN"

    # What is shown

    def summary_line(self, columns: int) -> Line:
        if self.found is not None:
            from pgmig_tui.review.maintain_told import summary

            return ((" ", "plain"), *summary(self.found))
        if self.trouble:
            return ((" ? not all is known", "stale"),)
        return ((f" ~ asking: {count(len(self.sections), 'section')} so far ...", "running"),)

    def rows_now(self) -> Sequence[ListedRow]:
        return tuple(row for one in self.sections.values() for row in self._rows_of(one))

    def _rows_of(self, one: Section) -> Iterator[ListedRow]:
        from pgmig_tui.review.maintain_told import MARKS, finding_lines, section_lines

        mark, role = MARKS[one.state]
        open_ = one.name in self.unfolded
        sign = "-" if open_ else "+" if one.findings else " "
        told = line(
            (f"[{sign}] " if sign != " " else "    ", "muted"), (f"{mark}{safe(one.title)}: ", role), safe(one.verdict)
        )
        yield ListedRow(one.name, told, tuple(section_lines(one, 0 if open_ else 20)))
        if not open_:
            return
        for each in sorted(one.findings, key=lambda finding: finding.accepted is not None):
            lines = tuple(finding_lines(each))
            yield ListedRow((one.name, each.name), lines[0], lines)

    def quiet_line(self, columns: int) -> Line:
        return ((" Enter opens a section; nothing is changed on the server from here", "muted"),)

    # Keys

    @classmethod
    def own_keys(cls) -> Keys[Self]:
        return (
            Key(
                "maintain.fold", "enter", "Enter", "Open", "open or fold the section under the cursor",
                with_item(cls._section, cls.do_fold),
            ),
            Key(
                "maintain.reviewed", "space", "space", "Gone through",
                "keep on this host that all of it was gone through: from then on only what is new counts as new",
                with_item(cls._complete, cls.do_reviewed),
            ),
            Key(
                "maintain.write", "w", "w", "Export", "write all of it to a file, as JSON",
                with_item(cls._complete, cls.do_write),
            ),
            *cls.moves("line"),
        )  # fmt: skip

    def _section(self) -> str | Unavailable:
        row = self.chosen_row
        name = row.key[0] if row is not None and isinstance(row.key, tuple) else row.key if row is not None else ""
        found = self.sections.get(str(name))
        if found is None:
            return Unavailable("nothing has answered yet")
        return found.name if found.findings else Unavailable("nothing was found there")

    def _complete(self) -> Maintenance | Unavailable:
        return self.found or Unavailable("not all sections have answered")

    def do_fold(self, name: str) -> None:
        self.unfolded ^= {name}
        self.show_rows()
        at = next((number for number, row in enumerate(self.rows) if row.key == name), 0)
        self.list.move(at)

    def do_reviewed(self, found: Maintenance) -> None:
        session, name = self.session, self.environment.name

        def done(nothing: None) -> None:
            self.say("kept on this host: what is so now was gone through", "done")
            self._ask()

        self.later("reviewed", lambda: session.gone_through(name, found), done)

    def do_write(self, found: Maintenance) -> None:
        from pgmig_tui.review.maintain_told import document

        self.write(f"maintain-{self.environment.name}.json", json.dumps(document(found), indent=2) + "\n")

    def do_ask(self) -> None:
        super().do_ask()
        self._ask()

    def help_text(self) -> tuple[str, ...]:
        return (
            "+ nothing to do   ! something to do   ? unknown, which is never good   - not asked here   ~ accepted",
            "Statements and commands that finish a finding are shown; this screen runs none of them.",
        )
