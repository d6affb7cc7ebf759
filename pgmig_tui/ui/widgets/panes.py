"""Panes: a rounded frame with a title in its top line, drawn by the border of a widget that is there anyway.

How a screen gets them:

- `framed(widget, "title")` in `body()`, on a list or on the container around a list and its heads; `lists` names the
  lists inside a container. Only heads that belong above a list ask for such a container. A title that changes goes by
  `retitle`; what stands at the right of the lower line, such as `3 of 400`, by `count_in`.
- The sheet of the screen gives sizes alone: no borders between panes, for each has its own. `height` and `width` of a
  framed widget include its frame, and `size` is what is left inside.
- Frames, colours and the mark of the pane that the keys move in come from `styles/app.tcss` and `BaseScreen`: heavy
  lines in the one accent instead of thin rounded ones, so in shape and colour, and only where there is a choice. Where
  the terminal has no UTF-8 all lines are `+-|`, and the title of that pane is in reverse video.
- From 28 rows on frames are whole, between 20 and 28 they leave the lower line out, and below 20 there are none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, TypeVar

from textual.content import Content
from textual.scrollbar import ScrollBar, ScrollBarRender
from textual.widget import Widget

from pgmig_tui.display.charset import Charset
from pgmig_tui.display.safe import safe
from pgmig_tui.ui.widgets.lines import Lines

W = TypeVar("W", bound=Widget)

PANE, KEYS = "-pane", "-keys"
_BORDERS = {Charset.ASCII: ("ascii", "ascii"), Charset.LINES: ("solid", "double"), Charset.ALL: ("round", "heavy")}


def borders(charset: Charset) -> dict[str, str]:
    """The variables of the style sheet that say which lines a terminal can draw."""
    thin, thick = _BORDERS[charset]
    title = "bold reverse" if charset is Charset.ASCII else "bold"
    return {"pane": thin, "pane-keys": thick, "pane-keys-title": title}


class PlainScrollBarRender(ScrollBarRender):
    """A scrollbar of whole cells: the halves at the ends of Textual's are no ASCII."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "] * 8
    HORIZONTAL_BARS: ClassVar[list[str]] = [" "] * 8


def draw_scrollbars(charset: Charset) -> None:
    """From now on, as the terminal can."""
    ScrollBar.renderer = PlainScrollBarRender if charset is Charset.ASCII else ScrollBarRender


def framed(widget: W, title: str, *lists: Lines) -> W:
    """The widget, with a frame and a title; `lists` are those inside it, none where it is a list itself."""
    widget.add_class(PANE)
    retitle(widget, title)
    for part in lists or (widget,):
        if isinstance(part, Lines):
            part.frame = widget
    return widget


def retitle(frame: Widget, title: str) -> None:
    """Another title, which is text and no markup."""
    frame.border_title = Content(safe(title))


def count_in(frame: Widget, text: str) -> None:
    """What stands at the right of the lower line; text, no markup."""
    frame.border_subtitle = Content(safe(text))


def mark(panes: Sequence[Lines], chosen: int, known: Iterable[Lines] = ()) -> None:
    """Marks the frame of the list that the keys move in, where there is more than one."""
    choice = len({id(part) for part in panes}) > 1
    for part in {*known, *panes}:
        (part.frame or part).set_class(choice and panes[chosen % len(panes)] is part, KEYS)
