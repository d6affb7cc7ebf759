"""Lines of (text, role) pairs, drawn as they come into view: no markup is ever read, 100,000 lines cost nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from pgmig_tui.display.cells import Line, Role, text_of, width
from pgmig_tui.display.safe import safe
from pgmig_tui.ui.palette import role_styles


class Lines(ScrollView):
    """Lines that are shown as they are. `can_focus` is off: keys belong to the screen."""

    can_focus = False

    def __init__(self, *, identity: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=identity, classes=classes)
        self._lines: Sequence[Line] = ()
        self._fill: Callable[[int], Sequence[Line]] | None = None
        self._styles: dict[str, Style] = {}
        self._variables: Mapping[str, str] | None = None

    @property
    def lines(self) -> Sequence[Line]:
        return self._lines

    def fill(self, make: Callable[[int], Sequence[Line]]) -> None:
        """Draws the lines that `make` gives for the columns there are, now and after every change of size."""
        self._fill = make
        if self.size.width:
            self.show(make(self.size.width))

    def on_resize(self) -> None:
        if self._fill is not None and self.size.width:
            self.show(self._fill(self.size.width))

    def show(self, lines: Sequence[Line]) -> None:
        """Draws other lines from now on; the place scrolled to stays."""
        self._lines = lines
        self.virtual_size = Size(0, self.line_count)
        self.refresh()

    @property
    def line_count(self) -> int:
        return len(self._lines)

    def line_at(self, index: int) -> Line:
        return self._lines[index]

    def highlight(self, index: int) -> str | None:
        """The role whose background lies under a whole line, if any."""
        return None

    def render_line(self, y: int) -> Strip:
        index = y + self.scroll_offset.y
        columns = self.size.width
        base = self.rich_style
        if index >= self.line_count:
            return Strip.blank(columns, base)
        under = self.highlight(index)
        if under is not None:
            base += self.role_style(under)
        segments: list[Segment] = []
        for text, role in self.line_at(index):
            segments.append(Segment(safe(text), base + self.role_style(role) if role != "plain" else base))
        strip = Strip(segments)
        # A text may come out wider than a presenter thought, as when a control character is shown by name.
        return strip.adjust_cell_length(columns, base)

    def role_style(self, role: str) -> Style:
        variables = self.app.theme_variables
        if variables is not self._variables:
            self._variables, self._styles = variables, role_styles(variables)
        return self._styles[role]

    def text(self) -> str:
        return "\n".join(text_of(self.line_at(index)) for index in range(self.line_count))


class Bar(Lines):
    """A single line that is made for the width it gets, as a banner is."""

    def __init__(self, *, identity: str | None = None) -> None:
        super().__init__(identity=identity)
        self._make: Callable[[int], Line] | None = None
        self.shown: Line = ()

    def make(self, maker: Callable[[int], Line]) -> None:
        self._make = maker
        self.refresh()

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
    """Lines with a cursor. The line under it has a `>` and a background; the screen moves it by `move`."""

    class Moved(Message):
        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def __init__(self, *, identity: str | None = None) -> None:
        super().__init__(identity=identity)
        self.cursor = 0

    def show(self, lines: Sequence[Line]) -> None:
        super().show(lines)
        self.cursor = max(0, min(self.cursor, self.line_count - 1))

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
        changed, self.cursor = index != self.cursor, index
        self.scroll_to_region(Region(0, index, 1, 1), animate=False, force=True)
        self.refresh()
        if changed:
            self.post_message(self.Moved(index))

    def on_click(self, event: object) -> None:
        y = getattr(event, "y", 0)
        self.move(y + self.scroll_offset.y)


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
            self.scroll_to(y=0, animate=False, force=True)
            return
        first, last, top, height = rows[0], rows[-1], round(self.scroll_y), self.size.height
        if first < top or last >= top + height:
            self.scroll_to(y=min(first, max(0, last - height + 1)), animate=False, force=True)

    def highlight(self, index: int) -> str | None:
        here = self.bright and self.current is not None and index < len(self._groups)
        return "cursor" if here and self._groups[index] == self.current else None

    def on_click(self, event: object) -> None:
        index = getattr(event, "y", 0) + self.scroll_offset.y
        group = self._groups[index] if index < len(self._groups) else None
        if group is not None:
            self.post_message(self.Picked(group))


class LogLines(Lines):
    """The tail of a log: follows the end until scrolled up; `limit` lines are kept, the journal has them all."""

    def __init__(self, *, identity: str | None = None, limit: int = 10_000) -> None:
        super().__init__(identity=identity)
        self.limit = limit
        self.follows = True
        self._kept: list[Line] = []

    def add(self, lines: Sequence[Line]) -> None:
        if not lines:
            return
        self._kept.extend(lines)
        surplus = len(self._kept) - self.limit
        if surplus > 0:
            del self._kept[:surplus]
        self.show(self._kept)
        if self.follows:
            self.scroll_end(animate=False, force=True)

    def step(self, by: int) -> None:
        """Scrolls; upwards stops following, reaching the end starts it again."""
        target = max(0, self.scroll_offset.y + by)
        self.scroll_to(y=target, animate=False, force=True)
        self.follows = by > 0 and target >= self.max_scroll_y

    def follow(self) -> None:
        self.follows = True
        self.scroll_end(animate=False, force=True)
