"""A long row of statements that differ in their constants alone, passed over by one pattern instead of the lexer.

A script of 150,000 INSERTs would otherwise be read word by word for each look that is taken at it before it runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pgmig_tui.script.kinds import kind_of
from pgmig_tui.script.shapes import shape_of

FEWEST = 1000
"""So many statements in a row, or each is looked at for itself."""
_FIRST_TRY = 32
_BEGINNING = 16  # bytes; the next statement begins with the same ones
_LONGEST = 4000  # bytes of a statement
_STRINGS = rb"'(?:[^'\\\n\r]|'')*'"
_ESCAPED = rb"[eE]'(?:[^'\\\n\r]|''|\\[^\n\r])*'"
_NUMBERS = rb"\d+(?:\.\d*)?"
_VALUES = rb"(?:-?" + _NUMBERS + rb"|" + _STRINGS + rb"|" + _ESCAPED + rb"|(?i:null|true|false))"
_WORDS = rb'"[^"\n\r]*"|[A-Za-z_\x80-\xff][\w\x80-\xff]*'
_TOKEN = re.compile(rb"(" + _STRINGS + rb")|((?<!\w)" + _ESCAPED + rb")|(" + _NUMBERS + rb")|(" + _WORDS + rb")")
_ANOTHER = {1: _STRINGS, 2: _ESCAPED, 3: _NUMBERS}
_NUMBER, _WORD = 3, 4
_DELICATE = re.compile(rb"""['"\\]|(?<!:):(?!:)|:::""").search
"""Between tokens: what doesn't end on its line, a command or a variable of psql's."""
_IN_A_LIST = re.compile(rb"[(,]\s*\Z").search
_LIST_GOES_ON = re.compile(rb"\s*[,)]").match
_CONSTANT_WORDS = frozenset([b"null", b"true", b"false"])
_END = rb"[ \t]*\r?(?:\n|\Z)"


@dataclass(frozen=True, slots=True)
class Row:
    """`count` statements of `data`: from `start`, where a line begins, to `end`, where the line after them does; the
    last of them begins at `last`."""

    data: bytes
    pattern: bytes
    start: int
    end: int
    last: int
    count: int

    def statements(self) -> Iterator[tuple[int, bytes]]:
        """Where each of them starts, and its text with the semicolon."""
        match, at = re.compile(self.pattern).match, self.start
        while at < self.end and (found := match(self.data, at)):
            yield at, found[0].rstrip()
            at = found.end()


class RepeatedRows:
    """Finds such rows while a file is read. It tries seldom where it found none: a pattern has its price."""

    def __init__(self) -> None:
        self._beginning = b""
        self._alike = 0
        self._next_try = _FIRST_TRY

    def after(self, data: bytes, start: int, end: int, following: int) -> Row | None:
        """The row that follows the statement at `data[start:end]`, its semicolon included; `following` is where the
        next line starts.

        None when it has fewer than FEWEST statements. The data is UTF-8. A text without backslashes, those of E'…'
        aside, is read alike whatever standard_conforming_strings is.
        """
        beginning = data[start : start + _BEGINNING]
        if beginning != self._beginning:
            self._beginning, self._alike, self._next_try = beginning, 0, _FIRST_TRY
        self._alike += 1
        if self._alike < self._next_try:
            return None
        self._next_try *= 2
        pattern = _pattern(data[start:end])
        if pattern is None:
            return None
        match, last, at, count = re.compile(pattern).match, following, following, 0
        while found := match(data, at):
            last, at, count = at, found.end(), count + 1
        return Row(data, pattern, following, at, last, count) if count >= FEWEST else None


def _pattern(statement: bytes) -> bytes | None:
    """What matches the statement with other constants in it, and the end of its line; None where that isn't safe."""
    text = statement.decode("utf-8", "replace").removesuffix(";")
    if len(statement) > _LONGEST:
        return None
    kind = kind_of(text)
    if shape_of(kind, text) is None:
        return None
    parts: list[bytes] = []
    at = 0
    for found in _TOKEN.finditer(statement):
        between = statement[at : found.start()]
        if _DELICATE(between):
            return None
        token, which, at = found[0], found.lastindex, found.end()
        constant = which != _WORD or token.lower() in _CONSTANT_WORDS
        minus = between.removesuffix(b"-") if which == _NUMBER else between
        if kind == "INSERT" and constant and _IN_A_LIST(minus) and _LIST_GOES_ON(statement, at):
            parts += [re.escape(minus), _VALUES]
        elif which == _WORD:
            parts += [re.escape(between), re.escape(token)]
        else:
            parts += [re.escape(between), _ANOTHER[which or 0]]
    rest = statement[at:]
    if _DELICATE(rest):
        return None
    return b"".join((*parts, re.escape(rest), _END))
