"""Names that are longer than their room, cut so that each can still be told from the others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from pgmig_tui.display.cells import cut, width

_LEAST = 3
_STAMP = re.compile(r"^\d[\d_.\-]*[_.\-](?=.)")
"""The date and number that many changes begin with: what comes behind them says more."""


def short_forms(names: Iterable[str], room: int, *, alike: bool = False) -> dict[str, str]:
    """A form of at most `room` columns for each name: whole where it fits, else with `..` for what is left out; with
    `alike` either all names are whole or none has its stamp.

    No two names get the same form; where nothing else tells them apart in so little room, a number does.
    """
    every = list(dict.fromkeys(names))
    cutting = alike and any(width(name) > room for name in every)
    forms = {name: name if width(name) <= room and not cutting else _without_stamp(name, room) for name in every}
    for by in (_middle, _different, _numbered):
        clashing = _clashes(forms)
        if not clashing:
            break
        for group in clashing:
            forms.update(by(group, room))
    return forms


def without_stamps(names: Iterable[str]) -> int:
    """Columns that the longest of these names takes without its date and number, and with `..` in their place."""
    return max((min(width(name), width(_STAMP.sub("", name)) + 2) for name in names), default=0)


@lru_cache(maxsize=64)
def told_apart(names: tuple[str, ...], room: int) -> Mapping[str, str]:
    """As `short_forms`, for lists that are drawn again and again."""
    return short_forms(names, room)


def _clashes(forms: dict[str, str]) -> list[list[str]]:
    by_form: dict[str, list[str]] = {}
    for name, form in forms.items():
        by_form.setdefault(form, []).append(name)
    return [group for group in by_form.values() if len(group) > 1]


def _without_stamp(name: str, room: int) -> str:
    rest = _STAMP.sub("", name)
    if rest == name and width(name) <= room:
        return name
    return _abbreviated(name, room) if rest == name else f"..{_abbreviated(rest, room - 2)}"


def _ends(text: str, room: int, head: int | None = None) -> str:
    """The beginning and the end of a text; of wide characters the beginning alone, for they can't be halved."""
    if width(text) <= room:
        return text
    if room < 8 or not text.isascii():
        return cut(text, room)
    head = (room - 2) // 2 if head is None else head
    return f"{text[:head]}..{text[len(text) - (room - 2 - head) :]}"


def _abbreviated(text: str, room: int) -> str:
    """Each word cut to as many letters as there is room for; a point stands for what is left out of one."""
    words = re.findall(r"[^_-]+[_-]*|[_-]+", text)
    if text.isascii() and len(words) > 1:
        for letters in range(max(map(len, words)), _LEAST - 1, -1):
            told = "".join(f"{word[:letters]}." if len(word.rstrip("_-")) > letters + 1 else word for word in words)
            if len(told) <= room:
                return told
        # Then without the points: first letters of every word say more than a piece out of the middle.
        for letters in range(_LEAST, 0, -1):
            told = "".join(word if word.rstrip("_-").isdigit() else _first(word, letters) for word in words)
            if len(told) <= room:
                return told
    return _ends(text, room)


def _first(word: str, letters: int) -> str:
    """The first letters of a word, with the sign behind it."""
    letter = word.rstrip("_-")
    return letter[:letters] + word[len(letter) :]


def _middle(group: list[str], room: int) -> dict[str, str]:
    """With the stamp, which may be what differs."""
    head = max((len(stamp[0]) for name in group if (stamp := _STAMP.match(name))), default=0)
    return {name: _ends(name, room, min(head, max(0, room - 8)) or None) for name in group}


def _different(group: list[str], room: int) -> dict[str, str]:
    """From where they begin to differ on."""
    first, last = min(group), max(group)
    alike = next((at for at, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), len(first))
    start = max(0, alike - 2)
    return {name: cut(f"..{name[start:]}" if start else name, room) for name in group}


def _numbered(group: list[str], room: int) -> dict[str, str]:
    digits = len(str(len(group)))
    return {name: f"{cut(name, room - digits - 1)}#{number:0{digits}}" for number, name in enumerate(group, 1)}
