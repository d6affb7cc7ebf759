"""The pane at the side of a screen: made wider and narrower by two keys, and as wide the next time."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeVar

from pgmig_tui.ui.keys import Key, Keys, always

if TYPE_CHECKING:
    from pgmig_tui.ui.screens.base import BaseScreen
    from pgmig_tui.ui.widgets.lines import Lines

STEP, LEAST = 4, 24
"""Columns, with the frame."""
LEFT = 40
"""Of a hundred columns so many stay with what is beside it."""

S = TypeVar("S", bound="BaseScreen")


def width_keys(screen_id: str) -> Keys[S]:
    """The two keys; their screen gives `side_pane`."""
    return (
        Key(
            f"{screen_id}.wider", "greater_than_sign", ">", "", "the pane at the side gets wider, and stays so",
            always(partial(_resize, by=STEP)),
        ),
        Key(
            f"{screen_id}.narrower", "less_than_sign", "<", "", "the pane at the side gets narrower, and stays so",
            always(partial(_resize, by=-STEP)),
        ),
    )  # fmt: skip


def as_before(screen: BaseScreen) -> None:
    """Makes the pane as wide as it was the last time; where nobody has said how wide, the sheet says it."""
    kept = screen.session.preferred(_name(screen))
    if kept.isascii() and kept.isdigit() and len(kept) < 4 and int(kept) >= LEAST:
        _make(screen.side_pane(), int(kept))


def _name(screen: BaseScreen) -> str:
    return f"side.{screen.screen_id}"


def _make(part: Lines, columns: int) -> None:
    part.styles.width = columns
    part.styles.min_width, part.styles.max_width = LEAST, f"{100 - LEFT}%"


def _resize(screen: BaseScreen, by: int) -> None:
    part = screen.side_pane()
    now = part.outer_size.width
    if not now:
        screen.say("the pane at the side needs more columns than this terminal has")
        return
    most = screen.size.width * (100 - LEFT) // 100
    columns = max(LEAST, min(most, now + by))
    if columns == now:
        screen.say(f"it is as {'wide' if by > 0 else 'narrow'} as it gets")
        return
    _make(part, columns)
    screen.shell.remember(_name(screen), str(columns))
