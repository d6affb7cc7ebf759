"""Names of new changes, by the form that the project wants: a day, the next free number of it, a description."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from datetime import date

from pgmig_tui.errors import ProjectError, UsageError

_NOTHING = "Nothing was changed."
_PIECES = re.compile("YYYY|MM|DD|N+|description|.", re.DOTALL)
_DESCRIPTION = re.compile(r"[a-z0-9][a-z0-9_]*")
_LONGEST = 60


def described(*words: str) -> str:
    """A description made of words and names: letters and digits of ASCII in lower case, `_` between. "" for none."""
    plain = (unicodedata.normalize("NFKD", word.casefold()).encode("ascii", "ignore").decode() for word in words)
    found = "_".join(filter(None, (re.sub("[^a-z0-9]+", "_", one).strip("_") for one in plain)))
    return found[:_LONGEST].rstrip("_")


def require_description(text: str) -> str:
    """The description that a person gives. Raises UsageError where the convention doesn't take it."""
    if not _DESCRIPTION.fullmatch(text) or len(text) > _LONGEST:
        raise UsageError(
            f"{text} can't stand in a change's name.",
            now=_NOTHING,
            do=f"Take letters a to z, digits and _, {_LONGEST} at most, such as {described(text) or 'add_note'}.",
        )
    return text


def allot(form: str, day: date, taken: Collection[str], descriptions: Sequence[str]) -> tuple[str, ...]:
    """A name for each description: of a form such as YYYYMMDD_NNNN_description, with numbers behind the highest of that
    day. "" is the form of the description alone. `taken` are the names that there are. Raises ProjectError where a name
    is taken or the day has no number left."""
    pieces = _PIECES.findall(form) or ["description"]
    digits = next((len(one) for one in pieces if set(one) == {"N"}), 0)
    start = _highest(pieces, day, taken) + 1 if digits else 0
    if digits and start + len(descriptions) > 10**digits:
        raise ProjectError(
            f"{day:%Y-%m-%d} has no free number of {digits} digits left: {start - 1} is taken.",
            now=_NOTHING,
            do="Say another day: --date YYYY-MM-DD.",
        )
    found: list[str] = []
    for number, description in enumerate(descriptions, start):
        name = "".join(_said(one, day, number, description) for one in pieces)
        if name in taken or name in found:
            raise ProjectError(
                f'Change "{name}" already exists.', now=_NOTHING, do="Say another description: --name DESCRIPTION."
            )
        found.append(name)
    return tuple(found)


def _said(piece: str, day: date, number: int, description: str) -> str:
    match piece:
        case "YYYY":
            return f"{day.year:04}"
        case "MM":
            return f"{day.month:02}"
        case "DD":
            return f"{day.day:02}"
        case "description":
            return description
    return f"{number:0{len(piece)}}" if set(piece) == {"N"} else piece


def _highest(pieces: Sequence[str], day: date, taken: Collection[str]) -> int:
    """The highest number that a name of that day has, whatever stands behind it; 0 = there is none."""
    pattern, numbered = "", False
    for one in pieces:
        if one == "description":
            pattern += ".*"
        elif set(one) == {"N"}:
            pattern += r"\d+" if numbered else rf"(\d{{{len(one)}}})"
            numbered = True
        else:
            pattern += re.escape(_said(one, day, 0, ""))
    reads = re.compile(pattern, re.DOTALL)
    found = (reads.match(name.rpartition("/")[2]) for name in taken)
    return max((int(one[1]) for one in found if one), default=0)
