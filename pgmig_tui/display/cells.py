"""A line of a picture as (text, role) pairs, and the words that stand in a cell of the plan matrix.

Roles name what a text means; the screen and the command line each give them their colours. Every state has a glyph and
a word of its own in ASCII, so that it can be read without any colour.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Literal

Role = Literal[
    "plain",
    "strong",
    "muted",
    "title",
    "done",
    "todo",
    "running",
    "waiting",
    "failed",
    "differs",
    "stale",
    "key",
    "off",
    "tier-prod",
    "tier-staging",
    "tier-none",
    "comment",
    "string",
    "keyword",
    "number",
]
Span = tuple[str, Role]
Line = tuple[Span, ...]

State = Literal["asking", "no answer", "deployed", "pending", "marked", "differs", "failed", "running", "unknown"]

_WORDS: Final[dict[State, Span]] = {
    "asking": ("...", "muted"),
    "no answer": ("? no answer", "stale"),
    "deployed": ("+ ok", "done"),
    "pending": (". todo", "todo"),
    "marked": ("x marked", "failed"),
    "differs": ("! differ", "differs"),
    "failed": ("x FAILED", "failed"),
    "running": ("> running", "running"),
    "unknown": ("? unknown", "stale"),
}
_SHORT: Final[dict[State, str]] = {
    "deployed": "ok",
    "pending": "todo",
    "marked": "mark",
    "differs": "differ",
    "failed": "FAILED",
    "running": "running",
}


def state_cell(state: State, age: str | None = None) -> Span:
    """The glyph and word of a state; with `age` ("48 s") it's an old answer and says how old it is."""
    if age is not None and state in _SHORT:
        return f"? {_SHORT[state]} {age}", "stale"
    return _WORDS[state]


def text_of(line: Iterable[Span]) -> str:
    return "".join(text for text, _role in line)


def width(text: str) -> int:
    """Columns of a terminal that the text takes: wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


CUT = ".."
"""What stands where something is missing."""


def cut(text: str, columns: int) -> str:
    """The text in at most `columns` columns; `..` at the end says that something is missing."""
    if width(text) <= columns:
        return text
    if columns <= 2:
        return CUT[: max(columns, 0)]
    while width(text) > columns - 2:
        text = text[: min(len(text) - 1, columns - 2)]
    return f"{text}{CUT}"


def pad(text: str, columns: int) -> str:
    """The text in exactly `columns` columns."""
    text = cut(text, columns)
    return text + " " * (columns - width(text))


def line(*spans: Span | str) -> Line:
    return tuple((span, "plain") if isinstance(span, str) else span for span in spans if span)


def wrap(text: str, columns: int, role: Role = "plain", *, indent: str = "", hanging: str | None = None) -> list[Line]:
    """The text folded at words to at most `columns` columns; `indent` starts the first line, `hanging` the others."""
    hanging = indent if hanging is None else hanging
    lines: list[Line] = []
    start, room = indent, max(columns - len(indent), 8)
    current = ""
    for word in text.split():
        joined = f"{current} {word}" if current else word
        if width(joined) <= room:
            current = joined
            continue
        if current:
            lines.append(((start + current, role),))
            start, room, current = hanging, max(columns - len(hanging), 8), ""
        while width(word) > room:
            head = word[:room]
            while width(head) > room:
                head = head[:-1]
            # Names of changes and tables are read by their parts.
            part = head.rfind("_") + 1
            head = head[:part] if part > room // 2 else head
            lines.append(((start + head, role),))
            start, room = hanging, max(columns - len(hanging), 8)
            word = word[len(head) :]
        current = word
    if current:
        lines.append(((start + current, role),))
    return lines


def sliced(told: Line, start: int, stop: int) -> Line:
    """The line from one character to another."""
    kept: list[Span] = []
    at = 0
    for text, role in told:
        part = text[max(start - at, 0) : max(stop - at, 0)]
        if part:
            kept.append((part, role))
        at += len(text)
    return tuple(kept)


def slide(line: Line, columns: int) -> Line:
    """The line without its first `columns` characters."""
    return sliced(line, columns, len(text_of(line)))


def sides(left: Sequence[Span], right: Sequence[Span], columns: int) -> Line:
    """`left` at the left edge, `right` at the right one; when both don't fit, `left` is cut, never `right`."""
    room = columns - sum(width(text) for text, _role in right)
    kept: list[Span] = []
    for text, role in left:
        if room <= 0:
            break
        text = cut(text, room)
        kept.append((text, role))
        room -= width(text)
    if room > 0:
        kept.append((" " * room, kept[-1][1] if kept else "plain"))
    return (*kept, *right)


def point(text: str, columns: int, role: Role = "plain") -> list[Line]:
    """The text folded as a point of a list: what has no room in its first line stands below its words."""
    return wrap(text, columns, role, indent=" ", hanging="   ")


def wrapped(told: Line, columns: int, *, indent: str = " ", hanging: str = "   ") -> list[Line]:
    """A line that fits as it is; a longer one in several, in the role of its longest part, as far in as it was."""
    text = text_of(told)
    if width(text) + len(indent) <= columns:
        return [((indent, "plain"), *told)]
    role = max(told, key=lambda span: len(span[0]))[1]
    first = told[0][1] if told else role
    lead = " " * min(len(text) - len(text.lstrip()), columns // 3)
    role = first if role == "plain" else role
    return wrap(text.strip(), columns, role, indent=indent + lead, hanging=hanging + lead)
