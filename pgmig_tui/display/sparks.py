"""A row of numbers as bars of one character each."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Sequence
from functools import cache

from pgmig_tui.display.charset import Charset, charset_here

_TOLD_BY = ("LC_ALL", "LC_CTYPE", "LANG", "TERM")
_BARS, _ASCII = "▁▂▃▄▅▆▇█", "_.-:=+*#"


def drawable(least: Charset = Charset.ALL) -> bool:
    """Whether the terminal has the bars, or with `least` LINES the lines, by its locale, and is written to in an
    encoding that has them."""
    encoding = (getattr(sys.__stdout__, "encoding", None) or "utf-8").lower()
    if not encoding.startswith("utf"):
        return False
    has = _drawn(*(os.environ.get(name, "") for name in _TOLD_BY))
    return has is not Charset.ASCII if least is Charset.LINES else has is Charset.ALL


@cache
def _drawn(*told: str) -> Charset:
    return charset_here(dict(zip(_TOLD_BY, told, strict=True)))


def spark(values: Sequence[float | None], columns: int = 60, *, full: float = 0.0, unicode: bool = True) -> str:
    """The last values as bars, from nothing to the largest, or to `full` where that is more; a blank where nothing is
    known.

    >>> spark([0, 1, None, 2], unicode=False)
    '_= #'
    """
    last = deque(values, maxlen=max(0, columns))
    most = max((value for value in last if value is not None), default=0.0)
    most = max(most, full) or 1.0
    bars = _BARS if unicode else _ASCII
    return "".join(" " if value is None else bars[min(7, int(value / most * 7.999))] for value in last)


_EIGHTHS = " ▏▎▍▌▋▊▉"


def gauge(share: float, columns: int, *, unicode: bool = True) -> tuple[str, str]:
    """A bar of `columns` cells, in two parts: what is done, of a share from 0 to 1, and what is not.

    >>> gauge(0.5, 8, unicode=False)
    ('####', '....')
    """
    share, columns = min(1.0, max(0.0, share)), max(0, columns)
    if not unicode:
        full = int(share * columns)
        return "#" * full, "." * (columns - full)
    full, eighths = divmod(int(share * columns * 8), 8)
    part = _EIGHTHS[eighths] if eighths else ""
    return "█" * full + part, "░" * (columns - full - len(part))
