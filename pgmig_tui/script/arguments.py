"""The words after a backslash command, as psql's second lexer (`psqlscanslash.l`) reads them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from pgmig_tui.script.lexer import VARIABLE_AT, always
from pgmig_tui.script.variables import quote_identifier, quote_literal

_COMMAND = re.compile(rb"[^ \t\n\r\f\v\\]*").match
_SPACE = always(re.compile(rb"[ \t\n\r\f\v]*"))
_PLAIN = re.compile(rb"[^ \t\n\r\f\v\\'`\":]+").match
_QUOTED = always(re.compile(rb"(?>(?:[^'\\]|''|\\.)*)", re.DOTALL))
_QUOTED_PART = re.compile(rb"''|\\([0-7]{1,3})|\\x([0-9A-Fa-f]{1,2})|\\(.)", re.DOTALL)
_LETTERS = {b"n": b"\n", b"t": b"\t", b"b": b"\b", b"r": b"\r", b"f": b"\f"}

Lookup = Callable[[bytes], bytes | None]


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument; `quote` is the last kind of quoting in it: ' or " or ` or : (a variable), empty for none."""

    text: bytes
    quote: str


def _unquote(found: re.Match[bytes]) -> bytes:
    octal, digits, letter = found.groups()
    if octal is not None:
        return bytes([int(octal, 8) & 0xFF])
    if digits is not None:
        return bytes([int(digits, 16)])
    return b"'" if letter is None else _LETTERS.get(letter, letter)


class Arguments:
    """A cursor over the rest of a line. `lookup` answers for variables, `shell` runs what stands in backticks.

    An unclosed quote ends the arguments, as in psql, which only warns; `unterminated` tells.
    """

    def __init__(self, text: bytes, at: int, lookup: Lookup, shell: Callable[[bytes], bytes]) -> None:
        self.text = text
        self.at = at
        self.lookup = lookup
        self.shell = shell
        self.unterminated = False

    def command(self) -> bytes:
        """The command's name: everything up to a blank or a backslash."""
        found = _COMMAND(self.text, self.at)
        assert found
        self.at = found.end()
        return found[0]

    def whole_line(self) -> bytes:
        """Everything that is left, as it stands."""
        rest, self.at = self.text[self.at :], len(self.text)
        return rest.lstrip(b" \t\n\r\f\v")

    def finish(self) -> None:
        """Passes over the `\\\\` that may part a command from what follows it."""
        if self.text.startswith(b"\\\\", self.at):
            self.at += 2

    def next(self, *, semicolon: bool = False, pipe: bool = False) -> Argument | None:
        """The next argument, or None at the command's end.

        `semicolon`: unquoted ones at the end don't belong to it. `pipe`: one that starts with `|` is the whole line.
        """
        text, size = self.text, len(self.text)
        self.at = at = _SPACE(text, self.at).end()
        if pipe and text.startswith(b"|", at):
            return Argument(self.whole_line(), "")
        out = bytearray()
        quote, bare = "", 0
        while at < size and text[at] not in b" \t\n\r\f\v\\":
            if found := _PLAIN(text, at):
                out += found[0]
                bare += found.end() - at
                at = found.end()
                continue
            mark = text[at : at + 1]
            if mark == b":":
                step = self._variable(at, out)
                quote, bare = (quote, bare + 1) if step == 1 else (":", 0)
                at += step
                continue
            quote, bare = mark.decode(), 0
            end = _QUOTED(text, at + 1).end() if mark == b"'" else text.find(mark, at + 1)
            if not 0 <= end < size or text[end : end + 1] != mark:
                self.unterminated = True
                self.at = size
                return None
            inside = text[at + 1 : end]
            if mark == b"'":
                out += _QUOTED_PART.sub(_unquote, inside)
            elif mark == b'"':
                out += text[at : end + 1]
            else:
                out += self.shell(inside)
            at = end + 1
        self.at = at
        if semicolon:
            while bare and out.endswith(b";"):
                del out[-1]
                bare -= 1
        return Argument(bytes(out), quote) if out or quote else None

    def rest(self) -> list[Argument]:
        """All arguments that are left."""
        found = []
        while argument := self.next():
            found.append(argument)
        return found

    def _variable(self, at: int, out: bytearray) -> int:
        """Appends what stands for the variable at `at`; how many bytes it takes (1: only a colon)."""
        found = VARIABLE_AT(self.text, at)
        if not found:
            out += b":"
            return 1
        plain, literal, identifier, tested = found.groups()
        value = self.lookup(plain or literal or identifier or tested)
        if tested is not None:
            out += b"FALSE" if value is None else b"TRUE"
        elif value is None:
            out += found[0]
        elif plain is not None:
            out += value
        else:
            out += quote_literal(value) if literal is not None else quote_identifier(value)
        return found.end() - at
