"""Lines of (text, role) pairs, drawn as they come into view: no markup is ever read, 100,000 lines cost nothing."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Protocol

from rich.segment import Segment
from rich.style import Style
from textual.events import Click
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from pgmig_tui.display.cells import CUT, Line, Role, text_of, width
from pgmig_tui.display.safe import safe
from pgmig_tui.ui.palette import role_styles

SCROLLBAR = 1
"""Columns of a scrollbar, as the style sheet has it."""


class Movable(Protocol):
    """What the keys of movement move: a list, or a choice among what a list shows."""

    def step(self, by: int) -> None: ...
    def page(self, way: int) -> None: ...
    def first(self) -> None: ...
    def last(self) -> None: ...


KEPT_STRIPS = 300
"""So many lines as they are drawn a pane keeps: some screens of them."""


class Lines(ScrollView):
    """Lines that are shown as they are. `can_focus` is off: keys belong to the screen, which calls `step`, `page`,
    `first`, `last` and `find`. Here they scroll; a list with a cursor moves it.

    A subclass that makes its lines itself gives `line_count` and `line_at`, and calls `changed` when there are others.
    """

    can_focus = False

    def __init__(self, *, identity: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=identity, classes=classes)
        self._lines: Sequence[Line] = ()
        self._fill: Callable[[int], Sequence[Line]] | None = None
        self._styles: dict[str, Style] = {}
        self._variables: Mapping[str, str] | None = None
        self._base: Style | None = None
        self._strips: dict[tuple[Line, Style, int, int], Strip] = {}
        self._found: int | None = None
        self._uncut: Mapping[str, str] = {}
        self.needle = ""
        self.empty: Line = ()
        """What is drawn where there is no line."""
        self.frame: Widget | None = None
        """The pane that it stands in, which may be itself."""

    @property
    def lines(self) -> Sequence[Line]:
        return self._lines

    def on_mount(self) -> None:
        self.changed()

    def fill(self, make: Callable[[int], Sequence[Line]]) -> None:
        """Draws the lines that `make` gives for the columns there are, now and after every change of size."""
        self._fill = make
        self._make_lines()

    def _make_lines(self) -> None:
        if self._fill is None or not self.size.width:
            return
        columns, rows = self.size.width, self.size.height
        # A column more spares no half of the lines: what is so much longer than its room need not be made twice.
        lines = self._fill(columns - SCROLLBAR) if len(self._lines) > 2 * rows else ()
        if len(lines) <= 2 * rows:
            lines = self._fill(columns)
            if len(lines) > rows:
                lines = self._fill(columns - SCROLLBAR)
        self.show(lines)

    @property
    def filled(self) -> bool:
        """Whether its lines are made for the columns there are."""
        return self._fill is not None

    @property
    def columns(self) -> int:
        """The columns that can be seen: a list that is longer than its room has a scrollbar over the last one."""
        return self.size.width - (SCROLLBAR if self.line_count > self.size.height else 0)

    def on_resize(self) -> None:
        self._make_lines()
        self.settle()

    def settle(self) -> None:
        """What must be in sight is brought there; called when the size has changed."""

    def show(self, lines: Sequence[Line]) -> None:
        """Draws other lines from now on; the position scrolled to stays."""
        self._lines = lines
        self.changed()

    def changed(self) -> None:
        """There are other lines, or more or fewer: how far can be scrolled goes by how many there are now."""
        self.virtual_size = Size(0, self.line_count)
        if self._found is not None and not self._holds(self._found):
            self._found = None
        self.refresh()

    @property
    def line_count(self) -> int:
        return len(self._lines)

    def line_at(self, index: int) -> Line:
        return self._lines[index]

    def highlight(self, index: int) -> str | None:
        """The role whose background lies under a whole line, if any."""
        return "cursor" if index == self._found else None

    def render_lines(self, crop: Region) -> list[Strip]:
        self._base = self.rich_style  # the same for every line, and a quarter of what each would take
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        index = y + self.scroll_offset.y
        columns = self.size.width
        base = self._base if self._base is not None else self.rich_style
        if index < self.line_count:
            shown, under = self.line_at(index), self.highlight(index)
        elif index == 0 and self.empty:
            shown, under = self.empty, None
        else:
            return Strip.blank(columns, base)
        if under is not None:
            base += self.role_style(under)
        # What a line looks like is kept: most that is drawn is what was drawn before, beside a cursor that moved, or a
        # line higher up.
        if self.app.theme_variables is not self._variables:
            self._take_theme()
        look = (shown, base, columns, max(0, self.columns))
        strip = self._strips.get(look)
        if strip is None:
            if len(self._strips) > KEPT_STRIPS:
                self._strips.clear()
            strip = self._strips[look] = self._strip(*look)
        return strip

    def _strip(self, shown: Line, base: Style, columns: int, seen: int) -> Strip:
        segments: list[Segment] = []
        for text, role in shown:
            segments.append(Segment(safe(text), base + self.role_style(role) if role != "plain" else base))
        strip = Strip(segments)
        # A text may come out wider than a presenter thought, as when a control character is shown by name.
        if strip.cell_length > seen and strip.crop(seen - 1).text.strip():
            kept = list(strip.crop(0, max(0, seen - len(CUT))))
            strip = Strip([*kept, Segment(CUT[:seen], kept[-1].style if kept else base)])
        return strip.adjust_cell_length(columns, base)

    def role_style(self, role: str) -> Style:
        if self.app.theme_variables is not self._variables:
            self._take_theme()
        return self._styles[role]

    def _take_theme(self) -> None:
        variables = self.app.theme_variables
        self._variables, self._styles = variables, role_styles(variables, colors=not self.app.no_color)
        self._strips.clear()

    def text(self) -> str:
        return "\n".join(text_of(self.line_at(index)) for index in range(self.line_count))

    def clicked(self, event: Click) -> int | None:
        """The line under a click; None beside the lines, as on the frame."""
        offset = event.get_content_offset(self)
        index = offset.y + self.scroll_offset.y if offset is not None else self.line_count
        return index if index < self.line_count else None

    # What keys do

    def step(self, by: int) -> None:
        """So many lines down, or up with a negative number."""
        self._scroll(self.scroll_offset.y + by, at_once=True)

    def page(self, way: int) -> None:
        """Half a page down (1) or up (-1)."""
        self.step(way * max(1, self.size.height // 2))

    def first(self) -> None:
        self._scroll(0)

    def last(self) -> None:
        self._scroll(self.line_count)

    def _scroll(self, top: int, *, at_once: bool = False) -> None:
        """`at_once`: for a key, whose lines were laid out long ago; else once what was shown has been laid out."""
        top = max(0, min(top, self.line_count - self.size.height))
        self.scroll_to(y=top, animate=False, force=True, immediate=at_once)

    def bring(self, index: int, *, at_once: bool = False) -> None:
        """Scrolls no further than it takes for a line to be in sight."""
        top, height = self.scroll_offset.y, max(1, self.size.height)
        if not top <= index < top + height:
            self._scroll(index if index < top else index - height + 1, at_once=at_once)

    def whole(self) -> str:
        """The text that is chosen, uncut; "" where nothing is."""
        return self.searched(self._found) if self._found is not None and self._found < self.line_count else ""

    def stands_for(self, forms: Mapping[str, str]) -> None:
        """Which names stand in the lines in another form, for want of room: name -> form."""
        self._uncut = {form: name for name, form in forms.items() if form != name}

    def searched(self, index: int) -> str:
        """What `find` looks into: a line as it reads uncut."""
        text = text_of(self.line_at(index))
        return " ".join([text, *(name for form, name in self._uncut.items() if form in text)])

    def find(self, needle: str, way: int = 1) -> bool:
        """Goes to the next line that holds a text (`way` -1: the one before), around the end; False if none does."""
        self.needle = needle
        count, here = self.line_count, self._here(way)
        for distance in range(1, count + 1):
            index = (here + way * distance) % count
            if self._holds(index):
                self._go_to(index)
                return True
        return False

    def _holds(self, index: int) -> bool:
        return index < self.line_count and self.needle.lower() in self.searched(index).lower()

    def _here(self, way: int) -> int:
        """The line that a search goes on from."""
        return self._found if self._found is not None else self.scroll_offset.y - way

    def _go_to(self, index: int) -> None:
        self._found = index
        self.bring(index)
        self.refresh()


class Bar(Lines):
    """A single line that is made for the width it gets, as a banner is. A click on it is told to the screen."""

    class Clicked(Message):
        """`x` is the column (0-based) of the click."""

        def __init__(self, bar: Bar, x: int) -> None:
            super().__init__()
            self.bar = bar
            self.x = x

    def __init__(self, *, identity: str | None = None) -> None:
        super().__init__(identity=identity)
        self._make: Callable[[int], Line] | None = None
        self.shown: Line = ()

    def make(self, maker: Callable[[int], Line]) -> None:
        self._make = maker
        self.refresh()

    def renew(self) -> None:
        """Draws it where it says something else by now."""
        if self._make is not None and self._make(self.size.width) != self.shown:
            self.refresh()

    def on_click(self, event: Click) -> None:
        self.post_message(self.Clicked(self, event.x))

    @property
    def line_count(self) -> int:
        return 1

    def line_at(self, index: int) -> Line:
        if self._make is None:
            return ()
        self.shown = self._make(self.size.width)
        used = sum(width(text) for text, _role in self.shown)
        last: Role = self.shown[-1][1] if self.shown and self.shown[-1][1].startswith("tier") else "plain"
        return (*self.shown, (" " * max(0, self.size.width - used), last))


class Choices(Lines):
    """Lines with a cursor, which is always in sight after a key. The line under it has a `>` and a background."""

    class Moved(Message):
        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    class Picked(Message):
        """A click on the line that the cursor is on already."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def __init__(self, *, identity: str | None = None) -> None:
        super().__init__(identity=identity)
        self.cursor = 0
        self._names: Sequence[Hashable] = ()
        self._wholes: Sequence[str] = ()

    def tell(self, names: Sequence[Hashable], wholes: Sequence[str] = ()) -> None:
        """What each of the lines that are shown next stands for: the cursor stays on what it is on, wherever that
        goes. `wholes` are their texts uncut. Called before `show` or `fill`."""
        here = self._names[self.cursor] if self.cursor < len(self._names) else None
        self._names, self._wholes = names, wholes
        if here is not None and here in names:
            self.cursor = names.index(here)

    def changed(self) -> None:
        super().changed()
        before, self.cursor = self.cursor, max(0, min(self.cursor, self.line_count - 1))
        if before != self.cursor:
            self.settle()

    def settle(self) -> None:
        if self.line_count and self.size.height:
            self.bring(self.cursor)

    def line_at(self, index: int) -> Line:
        mark: Role = "strong"
        return ((">" if index == self.cursor else " ", mark), *self._lines[index])

    def highlight(self, index: int) -> str | None:
        return "cursor" if index == self.cursor else None

    def move(self, index: int) -> None:
        """Puts the cursor on a line, or the nearest there is, and brings it into view."""
        if not self.line_count:
            return
        index = max(0, min(index, self.line_count - 1))
        before, self.cursor = self.cursor, index
        self.bring(index, at_once=True)
        if index != before:
            self.refresh_line(before)
            self.refresh_line(index)
            self.post_message(self.Moved(index))

    def step(self, by: int) -> None:
        self.move(self.cursor + by)

    def first(self) -> None:
        self.move(0)

    def last(self) -> None:
        self.move(self.line_count - 1)

    def whole(self) -> str:
        return self.searched(self.cursor) if self.cursor < self.line_count else ""

    def searched(self, index: int) -> str:
        return self._wholes[index] if index < len(self._wholes) else text_of(self._lines[index])

    def _here(self, way: int) -> int:
        return self.cursor

    def _go_to(self, index: int) -> None:
        self.move(index)

    def on_click(self, event: Click) -> None:
        index = self.clicked(event)
        if index is None:
            return
        if index == self.cursor:
            self.post_message(self.Picked(index))
        self.move(index)


class Groups(Lines):
    """Lines that belong to groups, one of which is the current one; a click chooses the group under it.

    `bright` lays a background under the lines of the current group.
    """

    class Picked(Message):
        def __init__(self, group: int) -> None:
            super().__init__()
            self.group = group

    def __init__(self, *, identity: str | None = None) -> None:
        super().__init__(identity=identity)
        self.current: int | None = None
        self.bright = False
        self._groups: Sequence[int | None] = ()

    def group(self, rows: Sequence[tuple[Line, int | None]]) -> Sequence[Line]:
        """Notes which line belongs to which group, and gives the lines."""
        self._groups = [group for _line, group in rows]
        return [line for line, _group in rows]

    def reveal(self) -> None:
        """Scrolls so that the current group is in view, from its first line on; to the top when there is none."""
        rows = [row for row, group in enumerate(self._groups) if group is not None and group == self.current]
        if not rows:
            self.first()
            return
        first, last, top, height = rows[0], rows[-1], round(self.scroll_y), self.size.height
        if first < top or last >= top + height:
            self.scroll_to(y=min(first, max(0, last - height + 1)), animate=False, force=True)

    def settle(self) -> None:
        if self.current is not None:
            self.reveal()

    def highlight(self, index: int) -> str | None:
        here = self.bright and self.current is not None and index < len(self._groups)
        return "cursor" if here and self._groups[index] == self.current else super().highlight(index)

    def on_click(self, event: Click) -> None:
        index = self.clicked(event)
        group = self._groups[index] if index is not None and index < len(self._groups) else None
        if group is not None:
            self.post_message(self.Picked(group))


class LogLines(Lines):
    """The tail of a log: follows the end until scrolled up; `limit` lines are kept, the journal has them all."""

    def __init__(self, *, identity: str | None = None, limit: int = 10_000) -> None:
        super().__init__(identity=identity)
        self.limit = limit
        self.follows = True
        self._kept: list[Line] = []

    def add(self, lines: Sequence[Line], *, gone: int = 0) -> None:
        """Draws these after the lines that there are, without the last `gone` of those."""
        if not lines and not gone:
            return
        if gone:
            del self._kept[-gone:]
        self._kept.extend(lines)
        surplus = len(self._kept) - self.limit
        if surplus > 0:
            del self._kept[:surplus]
            self._found = None
        self.show(self._kept)
        if surplus > 0 and not self.follows:
            self._scroll(self.scroll_offset.y - surplus)  # whoever reads goes on reading the same lines
        self.settle()

    def anew(self, lines: Sequence[Line]) -> None:
        """Draws these instead of the lines that there are."""
        self._kept.clear()
        self._found = None
        self.add(lines)
        if not lines:
            self.show(self._kept)

    def settle(self) -> None:
        if self.follows:
            super().last()

    def step(self, by: int) -> None:
        """Scrolls; upwards stops following, reaching the end starts it again."""
        super().step(by)
        self.follows = by > 0 and self.scroll_offset.y + self.size.height >= self.line_count

    def first(self) -> None:
        super().first()
        self.follows = self.line_count <= self.size.height

    def last(self) -> None:
        self.follows = True
        super().last()

    def _go_to(self, index: int) -> None:
        self.follows = False
        super()._go_to(index)
