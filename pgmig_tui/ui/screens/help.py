"""Every key of a screen, made from its keys; what is off says why."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import ClassVar, Self

from textual.widget import Widget

from pgmig_tui.display.cells import Line, Role, pad, point, text_of, wrap
from pgmig_tui.ui.backend.protocol import EnvironmentFacts
from pgmig_tui.ui.keys import Keys
from pgmig_tui.ui.screens.base import BaseScreen
from pgmig_tui.ui.sizes import SMALL
from pgmig_tui.ui.widgets.lines import Lines
from pgmig_tui.ui.widgets.panes import framed


class HelpScreen(BaseScreen):
    """Help for the screen that it was opened on."""

    screen_id: ClassVar[str] = "help"
    footed: ClassVar[Collection[str]] = ("any.back",)
    least: ClassVar[tuple[int, int]] = SMALL

    def __init__(self, about: BaseScreen) -> None:
        super().__init__()
        self.about = about
        self.list = Lines(identity="keys")

    def body(self) -> Iterable[Widget]:
        yield framed(self.list, "keys")

    def set_up(self) -> None:
        super().set_up()
        self.list.fill(lambda columns: self._lines(columns - 2))

    @property
    def where(self) -> EnvironmentFacts | None:
        return self.about.where

    def doing(self) -> str:
        return f"HELP for {self.about.screen_id.upper()}"

    def _lines(self, columns: int) -> list[Line]:
        lines: list[Line] = [((f" {pad('key', 8)}{pad('does', columns - 30)}id", "title"),)]
        for key in self.about.keys.values():
            off = key.off(self.about)
            role: Role = "off" if off else "plain"
            first, *rest = wrap(key.does, columns - 31, role)
            lines.append(
                (
                    (f" {pad(key.shown, 8)}", "off" if off else "key"),
                    (pad(text_of(first), columns - 30), role),
                    (key.id, "muted"),
                )
            )
            lines += [((f"         {text_of(line)}", role),) for line in rest]
            if off:
                lines += wrap(f"off: {off}", columns, "waiting", indent="         ")
        told = [line for text in self.about.help_text() for line in point(text, columns)]
        return [*lines, (), ((" what is shown", "title"),), *told] if told else lines

    @classmethod
    def own_keys(cls) -> Keys[Self]:
        return cls.moves("line")

    def panes(self) -> Sequence[Lines]:
        return (self.list,)

    def do_help(self) -> None:
        self.do_back()
