"""The ticket that a change's note names, by a pattern of pgmig.toml.

A pattern comes with a clone, and must not keep us busy: it is refused where its cost could grow faster than the text,
and it is looked for in the beginning of a note only.
"""

from __future__ import annotations

import re
from functools import lru_cache
from re import _constants as kinds  # type: ignore[attr-defined]  # the grammar of patterns has no other door
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

MOST_CHARACTERS = 200
"""Of a note in which it is looked for."""
MOST_LENGTH = 200
"""Of the pattern."""
_MOST_REPEATS = 3
"""Repeats of no fixed number: with three the cost of 200 characters stays below a tenth of a second."""


def read_ticket(value: object) -> str:
    """The pattern. Raises ValueError, saying what was expected."""
    expected = 'a regular expression in quotes, such as "^[A-Z]+-[0-9]+"'
    if not isinstance(value, str) or not value:
        raise ValueError(expected)
    if len(value) > MOST_LENGTH:
        raise ValueError(f"{expected}, of {MOST_LENGTH} characters at most")
    try:
        re.compile(value)
        tree = parser.parse(value)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"{expected}; this is none: {error}") from None
    if re.compile(value).groups > 1:
        raise ValueError(f"{expected}, with one group at most: it is the ticket")
    if _repeats(tree) > _MOST_REPEATS:
        raise ValueError(
            f"{expected}; it repeats what repeats, or repeats {_MOST_REPEATS + 1} times or more, or looks around: that"
            " may take for ever"
        )
    return value


def ticket_in(pattern: str, note: str) -> str:
    """The ticket in a note, "" where it names none: the pattern's group, or all that it matches."""
    if not pattern:
        return ""
    found = _compiled(pattern).search(note[:MOST_CHARACTERS])
    return "" if found is None else (found[1] if found.re.groups else found[0]) or ""


@lru_cache(maxsize=8)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _repeats(tree: Any) -> int:
    """How many repeats of no fixed number a pattern has; more than are allowed where one holds another, or where what
    it does besides has no bound that we know."""
    found = 0
    for kind, more in tree:
        if kind in (kinds.MAX_REPEAT, kinds.MIN_REPEAT):
            least, most, inner = more
            within = _repeats(inner)
            if most > 1 and (within or _branches(inner)):
                return _MOST_REPEATS + 1
            found += within + (1 if least != most else 0)
            if most not in (0, 1) and least == most and most > MOST_CHARACTERS:
                return _MOST_REPEATS + 1
        elif kind is kinds.SUBPATTERN:
            found += _repeats(more[-1])
        elif kind is kinds.BRANCH:
            found += sum(_repeats(one) for one in more[1])
        elif kind not in (kinds.LITERAL, kinds.NOT_LITERAL, kinds.ANY, kinds.IN, kinds.AT):
            return _MOST_REPEATS + 1
    return found


def _branches(tree: Any) -> bool:
    return any(kind is kinds.BRANCH or (kind is kinds.SUBPATTERN and _branches(more[-1])) for kind, more in tree)
