"""The cards of the environments: drawn by `views.cards`, clicked here."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.message import Message

from pgmig_tui.display.charset import Charset
from pgmig_tui.ui.views.cards import Card, cards, places
from pgmig_tui.ui.widgets.lines import Lines


class Cards(Lines):
    """One row of cards. `found` is asked whenever it is drawn."""

    class Chosen(Message):
        """`index` is that of the environment whose card was clicked; None: the card of the rest."""

        def __init__(self, index: int | None) -> None:
            super().__init__()
            self.index = index

    def __init__(self, found: Callable[[], Sequence[Card]], *, identity: str | None = None) -> None:
        super().__init__(identity=identity)
        self._facts = found
        self.chosen = 0
        self.charset = Charset.ALL

    def again(self) -> None:
        """Draws what there is now; nothing where it isn't shown."""
        if not self.size.width or not self.display:
            return
        lines = cards(self._facts(), self.chosen, self.size.width, charset=self.charset)
        if lines != self.lines:
            self.show(lines)

    def on_resize(self) -> None:
        self.again()

    def on_click(self, event: object) -> None:
        column = getattr(event, "x", 0)
        for place in places(self.size.width, len(self._facts()), self.chosen):
            if place.at <= column < place.at + place.columns:
                self.post_message(self.Chosen(place.index))
