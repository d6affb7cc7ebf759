"""`\\copy`: one line that names a file or program on this side, and becomes COPY … FROM STDIN or TO STDOUT."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Source = Literal["file", "program", "stdin", "pstdin"]

_BLANK = re.compile(r"[ \t\n\r]*").match


@dataclass(frozen=True, slots=True)
class SlashCopy:
    """`sql` is what the server gets, `name` the file or the program's command line, empty for the standard streams."""

    sql: str
    direction: Literal["in", "out"]
    source: Source
    name: str


class _CutShortError(Exception):
    """The line ends too early."""


class _Tokens:
    """psql's `strtokx`: what counts as a token of its own, and as a quote, changes from place to place."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def next(self, single: str, quotes: str) -> str:
        found = _BLANK(self.text, self.at)
        start = found.end() if found else self.at
        if start >= len(self.text):
            raise _CutShortError
        first = self.text[start]
        if first in quotes:
            pattern = rf"{first}(?:[^{first}]|{first}{first})*{first}?"
        elif first in single:
            pattern = re.escape(first)
        else:
            pattern = rf"[^ \t\n\r{re.escape(single + quotes)}]+"
        token = re.compile(pattern).match(self.text, start)
        assert token
        self.at = token.end()
        return token[0]

    def rest(self) -> str:
        """What follows, less the blank that ended the last token."""
        return re.sub(r"^[ \t\r]", "", self.text[self.at :])


def parse_copy(text: str) -> SlashCopy | str:
    """Reads the arguments of `\\copy` as psql does; psql's message where they make no sense."""
    if not text.strip():
        return "arguments required"
    try:
        return _parse(_Tokens(text))
    except _CutShortError:
        return "parse error at end of line"


def _parse(tokens: _Tokens) -> SlashCopy | str:
    what: list[str] = []
    token = tokens.next(".,()", '"')
    if token.lower() == "binary":
        what.append(token)
        token = tokens.next(".,()", '"')
    depth = 1 if token == "(" else 0
    while depth:
        what.append(token)
        token = tokens.next("()", "\"'")
        depth += (token == "(") - (token == ")")
    what.append(token)
    token = tokens.next(".,()", '"')
    if token == ".":
        what[-1] += token + tokens.next(".,()", '"')
        token = tokens.next(".,()", '"')
    if token == "(":
        while token != ")":
            what.append(token)
            token = tokens.next("()", '"')
        what.append(token)
        token = tokens.next(".,()", '"')
    if token.lower() not in ("from", "to"):
        return f'parse error at "{token}"'
    return _target(tokens, what, inward=token.lower() == "from")


def _target(tokens: _Tokens, what: Iterable[str], *, inward: bool) -> SlashCopy | str:
    token = tokens.next(";", "'")
    source: Source = "file"
    name = token
    if token.lower() == "program":
        source, name = "program", tokens.next(";", "'")
        if not name.startswith("'"):
            return f'parse error at "{name}"'
    elif token.lower() in ("stdin", "stdout"):
        source, name = "stdin", ""
    elif token.lower() in ("pstdin", "pstdout"):
        source, name = ("pstdin" if inward else "stdin"), ""
    if name.startswith("'"):
        name = name[1:].removesuffix("'").replace("''", "'")
    sql = "".join(["COPY ", *(f" {word}" for word in what), " FROM STDIN " if inward else " TO STDOUT "])
    return SlashCopy(sql + tokens.rest(), "in" if inward else "out", source, name)
