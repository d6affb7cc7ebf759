"""Keys that a person has bound anew, by the IDs of `docs/keys.md`, in `keys.toml` of the configuration folder.

```toml
[home]
locks = "L,f6"
```

What can't be taken as it stands is told and left out, and the key stays what it was. Nothing can be bound so that a
danger lies under a key that is harmless elsewhere, or under one that confirms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from pgmig_tui.display.safe import safe
from pgmig_tui.review.key_file import NAME
from pgmig_tui.ui.keys import CHANGING, Key

S = TypeVar("S")

FIXED = frozenset({"any.environment", "any.explain"})
"""What can't be bound to anything else."""
TAKEN = frozenset({"ctrl+c", "ctrl+q", "ctrl+p", "escape", "enter"})
"""Keys that mean the same everywhere, dialogs included."""
CONFIRMING = frozenset({"space", "y", "tab", "backspace", "delete"})
_NAMED = frozenset({
    "up", "down", "left", "right", "home", "end", "pageup", "pagedown", "insert", "delete", "backspace", "tab", "space",
    "enter", "escape",
    *(f"f{number}" for number in range(1, 13)),
})  # fmt: skip


def checked(
    given: Mapping[str, str], screens: Mapping[str, Sequence[Key[Any]]]
) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """What of `given` can be bound, and why the rest can't. `screens` are the keys of each screen, by its ID."""
    known = {key.id: key for keys in screens.values() for key in keys}
    harmless = {name for key in known.values() if not _danger(key) for name in key.names}
    taken: dict[str, tuple[str, ...]] = {}
    refused: dict[str, str] = {}
    for key_id, text in given.items():
        names = tuple(name for part in text.split(",") if (name := _name(part.strip())))
        reason = _refused(key_id, text, names, known, harmless)
        if reason is None:
            taken[key_id] = names
        else:
            refused[key_id] = reason
    # Two may change places. What clashes is given up one by one: its own key may be in the way of the next then.
    while (clash := next(((one, why) for one in taken if (why := _clash(one, screens, taken))), None)) is not None:
        refused[clash[0]] = clash[1]
        del taken[clash[0]]
    return taken, [f"{NAME}: {safe(key_id)} stays as it is: {reason}" for key_id, reason in refused.items()]


def _danger(key: Key[Any]) -> bool:
    return key.dangerous or key.id in CHANGING


def _name(text: str) -> str:
    """As Textual calls the key; "" where there is none of that name."""
    from textual.keys import _character_to_key

    bare = text.removeprefix("ctrl+").removeprefix("shift+").removeprefix("alt+")
    if bare != text:
        return text if bare in _NAMED or (len(bare) == 1 and bare.isascii() and bare.isalnum()) else ""
    if text in _NAMED:
        return text
    return _character_to_key(text) if len(text) == 1 and text.isprintable() and not text.isspace() else ""


def _refused(
    key_id: str, text: str, names: Sequence[str], known: Mapping[str, Key[Any]], harmless: set[str]
) -> str | None:
    key = known.get(key_id)
    if key is None:
        return "there is no such key"
    if key_id in FIXED:
        return "it can't be bound anew"
    if not names or len(names) != len(text.split(",")):
        return f"{safe(text)!r} names no key, or not only keys"
    for name in names:
        if name in TAKEN and name not in key.names:
            return f"{name} means the same everywhere"
        if not _danger(key) or name in key.names:
            continue
        if name in CONFIRMING or name.isdigit() or (name.startswith("f") and name[1:].isdigit()):
            return f"{name} would be pressed without a thought, and it can change something"
        if name in harmless:
            return f"{name} is harmless on another screen, and it can change something"
    return None


def _clash(key_id: str, screens: Mapping[str, Sequence[Key[Any]]], taken: Mapping[str, tuple[str, ...]]) -> str | None:
    names = taken[key_id]
    for screen, keys in screens.items():
        if not any(key.id == key_id for key in keys):
            continue
        for key in keys:
            both = set(taken.get(key.id, key.names)) & set(names) if key.id != key_id else None
            if both:
                return f"{', '.join(sorted(both))} is {key.id} on the screen {screen}"
    return None


def bound(key: Key[S], taken: Mapping[str, tuple[str, ...]]) -> Key[S]:
    """The key as it is bound now. Esc goes back whatever else does."""
    names = taken.get(key.id)
    if names is None:
        return key
    from textual.keys import format_key

    first = names[0]
    shown = first.replace("+", "-") if "+" in first else format_key(first)
    return replace(key, keys=_keys(key.id, names), shown=shown)


def _keys(key_id: str, names: Sequence[str]) -> str:
    return ",".join((*names, "escape") if key_id == "any.back" and "escape" not in names else names)


def keymap(taken: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """As Textual takes it."""
    return {key_id: _keys(key_id, names) for key_id, names in taken.items()}
