"""What is drawn on a terminal without UTF-8: ASCII alone, each character as wide as the one it stands for."""

from __future__ import annotations

from functools import lru_cache

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from pgmig_tui.display.cells import width

_ALIKE = {
    **dict(zip("▁▂▃▄▅▆▇█", "_.-:=+*#", strict=True)),
    **dict.fromkeys("─━═╌╍┄┅┈┉╴╶╸╺", "-"), **dict.fromkeys("│┃║╎╏┆┇┊┋╵╷╹╻▌▐▏▕▎▍▋▊▉", "|"),
    "└": "`", "░": ".", "▒": ":", "▓": "#", "▀": "#", "▔": "-", "…": "~", "×": "x", "←": "<", "→": ">",
    "↑": "^", "↓": "v", "•": "*", "·": ".", "–": "-", "—": "-", "‘": "'", "’": "'", "“": '"', "”": '"',
    "\N{NO-BREAK SPACE}": " ",
}  # fmt: skip


@lru_cache(maxsize=4096)
def plain(text: str) -> str:
    """The text in ASCII, as wide as it was: `?` for what ASCII has nothing like.

    >>> plain("└ Größe …"), plain("漢字")
    ('` Gr??e ~', '????')
    """
    return text if text.isascii() else "".join(_plain(one) for one in text)


def _plain(one: str) -> str:
    if one.isascii():
        return one
    cells = width(one)
    found = _ALIKE.get(one) or ("+" if "\u2500" <= one <= "\u257f" else "")
    return found if found and cells == len(found) else "?" * cells


class PlainCharacters(LineFilter):
    """Over all that widgets draw, whoever drew it: frames, scroll bars, toasts, names from a database."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [
            segment if segment.control or segment.text.isascii() else Segment(plain(segment.text), segment.style)
            for segment in segments
        ]
