"""psql's lexer for SQL: finds where a statement ends, and little else.

Follows `psqlscan.l` of PostgreSQL 18. psql reads line by line and keeps what is open (a quote, a comment, parentheses)
from one line to the next; so does this. Lines are bytes without their newline: every client encoding that is a superset
of ASCII can be read so, the others after `mask`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum
from typing import cast

# `(?>(?:…)*)`, not `(?:…)*+`: Python before 3.11.5 (Debian 12 has 3.11.2) repeats a possessive group wrongly.
_WORD = rb"[A-Za-z_\x80-\xff][A-Za-z0-9_$\x80-\xff]*+"
# Text that neither ends anything nor opens anything that may go on after the line. Possessive: no way back.
_COMMON = rb"""
      [\x00-\x20\x7f,.=<>+*|~!@#%^&?`{}\[\]\]]++
    | "[^"]*+"
    | [0-9][0-9.]*+ (?: WORD )?
    | --[^\n\r]*+ | -(?!-)
    | /(?!\*)
    | :: | :=
    | \$[0-9]++ (?: WORD )? | \$(?![A-Za-z0-9_$\x80-\xff])
"""
# a word, unless it is the prefix of a string that has to be told apart from a standard one
_WORDS = {True: rb"| (?! [eE]' ) WORD", False: rb"| (?! (?:[eEbBxX]|[uU]&)' ) WORD"}
_STRINGS = {True: rb"| '[^']*+'", False: b""}


def always(pattern: re.Pattern[bytes]) -> Callable[[bytes, int], re.Match[bytes]]:
    """The `match` of a pattern that matches at least nothing, anywhere: it always finds something."""
    return cast("Callable[[bytes, int], re.Match[bytes]]", pattern.match)


def _plain(words: bool, std_strings: bool) -> re.Pattern[bytes]:
    atom = _COMMON + (_WORDS[std_strings] if words else b"") + _STRINGS[std_strings]
    group = rb"| \( (?>(?: ATOM )*) \)".replace(b"ATOM", atom) if words else b""
    return re.compile((b"(?>(?:" + atom + group + b")*)").replace(b"WORD", _WORD), re.VERBOSE)


# by standard_conforming_strings; words are passed over, or (`_BARE`) each of them is looked at
_PLAIN = {std: always(_plain(True, std)) for std in (True, False)}
_BARE = {std: always(_plain(False, std)) for std in (True, False)}
_WORD_AT = re.compile(_WORD).match
_OPENING = re.compile(rb"[eE]'|[bBxX]'|[uU]&'|'").match
_DOLLAR = re.compile(rb"\$(?:[A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*+)?\$").match
_NAME = rb"[A-Za-z0-9_\x80-\xff]++"
VARIABLE_AT = re.compile(rb""":(?:(NAME)|'(NAME)'|"(NAME)"|\{\?(NAME)\})""".replace(b"NAME", _NAME)).match
LEADING_AT = always(re.compile(rb"(?>(?: [ \t\n\r\f\v]++ | --[^\n\r]*+ )*)", re.VERBOSE))
_COMMENT_MARK = re.compile(rb"/\*|\*/").search
_ESCAPED_END = always(re.compile(rb"[^\\']*+(?>(?:\\.[^\\']*+|''[^\\']*+)*)", re.DOTALL))
# an E'…' string goes on after a newline; inside a line only a carriage return is one
_CONTINUED = re.compile(rb"(?>(?:[ \t\f\v]|--[^\n\r]*+)*)[\n\r](?>(?:[ \t\n\r\f\v]++|--[^\n\r]*+[\n\r])*)'").match

_ROUTINE, _OTHER = 9, 10
_ROUTINE_WORDS = {
    (0, b"create"): 1,
    (1, b"or"): 2,
    (2, b"replace"): 3,
    (1, b"function"): _ROUTINE,
    (1, b"procedure"): _ROUTINE,
    (3, b"function"): _ROUTINE,
    (3, b"procedure"): _ROUTINE,
}


class Stop(Enum):
    """Why the lexer stopped."""

    END = "end of line"
    SEMICOLON = "a statement's end"
    BACKSLASH = "a backslash command"
    ESCAPED = "\\; or \\:"
    VARIABLE = "something that looks like a variable"


class Lexer:
    """What is open between two lines. `quote` is empty in plain SQL, else names what kind of text we are in."""

    __slots__ = ("begin_depth", "comment_depth", "delimiter", "paren_depth", "quote", "track")

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """As psql does when a statement is forced out (`\\g`) or thrown away (`\\r`)."""
        self.quote = b""  # ' standard string, e escape string, " identifier, $ dollar quote, * comment
        self.delimiter = b""
        self.comment_depth = 0
        self.paren_depth = 0
        self.begin_depth = 0
        self.track = 0  # which of CREATE [OR REPLACE] FUNCTION|PROCEDURE has been seen

    @property
    def in_quote(self) -> bool:
        return self.quote != b""

    def scan(self, text: bytes, at: int, std_strings: bool) -> tuple[Stop, int, int]:
        """Reads on from `at`: the reason to stop, and the start and end of what stopped us."""
        size = len(text)
        while True:
            if self.quote:
                at = self.close(text, at)
                if self.quote:
                    return Stop.END, size, size
            track = self.track
            at = (_PLAIN if track == _OTHER else _BARE)[std_strings](text, at).end()
            if at == size:
                return Stop.END, at, at
            c = text[at]
            if c == 0x3B:  # ;
                at += 1
                if not self.paren_depth and not self.begin_depth:
                    self.track = 0
                    return Stop.SEMICOLON, at - 1, at
            elif c == 0x28:  # (
                self.paren_depth += 1
                at += 1
            elif c == 0x29:  # )
                self.paren_depth -= self.paren_depth > 0
                at += 1
            elif c == 0x5C:  # \
                if text[at + 1 : at + 2] in (b";", b":"):
                    if text[at + 1] == 0x3B:
                        self.track = 0
                    return Stop.ESCAPED, at, at + 2
                return Stop.BACKSLASH, at, at + 1
            elif c == 0x3A:  # :
                if found := VARIABLE_AT(text, at):
                    return Stop.VARIABLE, at, found.end()
                at += 1
            elif c == 0x22:  # " that is not closed on this line
                self.quote, at = b'"', at + 1
            elif c == 0x24:  # $
                at = self._open_dollar(text, at)
            elif c == 0x2F:  # / followed by *
                self.quote, self.comment_depth, at = b"*", 0, at + 2
            elif opening := _OPENING(text, at):
                # B'', X'' and U&'' know no backslashes, whatever standard_conforming_strings says
                escapes = c in b"eE" or (c == 0x27 and not std_strings)
                self.quote, at = (b"e" if escapes else b"'"), opening.end()
            elif word := _WORD_AT(text, at):
                at = word.end()
                self._note(word[0].lower())
            else:
                at += 1

    def close(self, text: bytes, at: int) -> int:
        """Reads to the end of the quote or comment that is open; the end of `text` where it stays open."""
        quote, size = self.quote, len(text)
        if quote == b"*":
            while mark := _COMMENT_MARK(text, at):
                at = mark.end()
                if mark[0] == b"/*":
                    self.comment_depth += 1
                elif self.comment_depth:
                    self.comment_depth -= 1
                else:
                    self.quote = b""
                    return at
            return size
        if quote == b"e":
            while (at := _ESCAPED_END(text, at).end()) < size:
                if text[at] == 0x27:
                    at += 1
                    if more := _CONTINUED(text, at):
                        at = more.end()
                    else:
                        self.quote = b""
                        return at
                else:  # a backslash at the very end
                    at += 1
            return size
        ending = self.delimiter if quote == b"$" else quote
        found = text.find(ending, at)
        if found < 0:
            return size
        self.quote = b""
        return found + len(ending)

    def _open_dollar(self, text: bytes, at: int) -> int:
        if found := _DOLLAR(text, at):
            self.quote, self.delimiter = b"$", found[0]
            return found.end()
        return at + 1

    def _note(self, word: bytes) -> None:
        """A SQL-standard routine body (BEGIN ATOMIC … END) holds semicolons; psql counts BEGIN, CASE and END."""
        if self.track != _ROUTINE:
            self.track = _ROUTINE_WORDS.get((self.track, word), _OTHER)
        elif self.paren_depth == 0:
            if word == b"begin" or (word == b"case" and self.begin_depth):
                self.begin_depth += 1
            elif word == b"end" and self.begin_depth:
                self.begin_depth -= 1


# Client encodings whose second bytes may look like ASCII. psql hides those bytes from its lexer; so does mask().
_TWO_BYTES = re.compile(rb"([\x80-\xff])[\x00-\xff]")
_SJIS = re.compile(rb"([\x81-\x9f\xe0-\xff])[\x00-\xff]")
_GB18030 = re.compile(rb"([\x81-\xfe])(?:[0-9][\x00-\xff][\x00-\xff]|[\x00-\xff])")
_UNSAFE = {
    "SJIS": _SJIS,
    "SHIFTJIS2004": _SJIS,
    "BIG5": _TWO_BYTES,
    "GBK": _TWO_BYTES,
    "UHC": _TWO_BYTES,
    "JOHAB": _TWO_BYTES,
    "GB18030": _GB18030,
}


def mask(text: bytes, encoding: str) -> bytes:
    """`text` as the lexer should see it: of the same length, with no byte of a character taken for ASCII."""
    if text.isascii():
        return text
    pattern = _UNSAFE.get(encoding.upper().replace("_", ""))
    if pattern is None:
        return text
    return pattern.sub(lambda m: m[1] + b"\xff" * (len(m[0]) - 1), text)
