"""One file being read: its lines, what of a statement has been gathered, and its `\\if`s."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from pgmig_tui.script.lexer import LEADING_AT, Lexer, mask
from pgmig_tui.script.repeated import RepeatedRows, Row
from pgmig_tui.script.variables import parse_boolean

_BOM = b"\xef\xbb\xbf"


class Arm(Enum):
    """Where we are in an `\\if`: psql's own six states, less the empty one."""

    TRUE = "in the branch that is taken"
    FALSE = "in a branch that isn't; a later one may be"
    IGNORED = "one was taken, or the whole \\if isn't"
    ELSE_TRUE = "in the \\else, taken"
    ELSE_FALSE = "in the \\else, not taken"


@dataclass(slots=True)
class Branch:
    """An open `\\if`, and how much of a statement had been gathered when its last taken branch ended."""

    arm: Arm
    parts: int
    paren_depth: int
    begun: bool


@dataclass(slots=True)
class _Outer:
    """Text to go on with when a variable's value has been read; `at` behind the variable, `token` where it stood."""

    text: bytes
    raw: bytes
    at: int
    token: int
    name: bytes


class SourceFrame:
    """`text` is the line (or variable's value) for the lexer, `raw` the same as it will be sent; None between lines."""

    def __init__(self, name: str, data: bytes) -> None:
        self.name = name
        self.data = data
        self.line_number = 0
        self.base = 0  # where the line starts in data
        self.next_base = 0
        self.text: bytes | None = None
        self.raw = b""
        self.at = 0
        self.command_at = 0
        self.std_strings = True
        self.strict = True
        self.lexer = Lexer()
        self.parts: list[bytes] = []  # the query buffer
        self.begun = False  # whether more than comments has been gathered
        self.begun_in_value = False  # whether that stands in a variable's value, not in the file
        self.token = b""  # the last such variable, as the file writes it
        self.interpolated = False  # whether what has been gathered holds a variable's value
        self.start_line = 0
        self.start = 0
        self.previous = b""
        self.previous_source = b""
        self._lines: list[int] = []  # the line number of each line gathered
        # What a preview notes of it: that it isn't as the file has it, that `\\;` joins it, its unknown variables.
        self.filled = False
        self.joined = False
        self.holes: list[str] = []
        self.branches: list[Branch] = []
        self.active = True
        self.quit = False
        self._outer: list[_Outer] = []
        self._newline = -1

    # --- lines and texts ----------------------------------------------------------------------------------------

    def next_line(self, std_strings: bool, on_error_stop: str, encoding: str) -> bool:
        """The next line that isn't empty (or is part of a quote); False at the end of the file."""
        while not self.quit and self.next_base < len(self.data):
            end = self.data.find(b"\n", self.next_base)
            if end < 0:
                end = len(self.data)
            self.base = self.next_base
            self.next_base = end + 1
            self.line_number += 1
            if self.line_number == 1 and encoding == "UTF8" and self.data.startswith(_BOM):
                self.base = min(len(_BOM), end)
            if end == self.base and not self.lexer.in_quote:
                continue
            self.raw = self.data[self.base : end]
            self.text = mask(self.raw, encoding)
            self.at = 0
            self.std_strings = std_strings
            self.strict = parse_boolean(on_error_stop) is True
            if self.parts:
                self.parts.append(b"\n")
                self._newline = len(self.parts)
                self._lines.append(self.line_number)
            else:
                self._newline = -1
                self._lines = [self.line_number]
            return True
        return False

    def current(self) -> tuple[bytes, bytes, int]:
        assert self.text is not None
        return self.text, self.raw, len(self.text)

    def end_text(self) -> bool:
        """At the end of a variable's value: back to where it stood. True at the end of the line."""
        if self._outer:
            outer = self._outer.pop()
            self.text, self.raw, self.at = outer.text, outer.raw, outer.at
            return False
        self.text = None
        return True

    def expand(self, name: bytes, value: bytes, start: int) -> None:
        """Reads a variable's value before going on."""
        assert self.text is not None
        if not self._outer:
            self.token = self.raw[start : self.at]
        self._outer.append(_Outer(self.text, self.raw, self.at, start, name))
        self.text = self.raw = value
        self.at = 0

    def is_expanding(self, name: bytes) -> bool:
        return any(outer.name == name for outer in self._outer)

    def flatten(self) -> bytes:
        """The rest of the line as one text: a backslash command reads on past the value that it stands in."""
        self.command_at = self.at - 1 if not self._outer else self._outer[0].token
        if self._outer:
            rest = self.raw[self.at :]
            first = self._outer[0]
            while self._outer:
                outer = self._outer.pop()
                rest += outer.raw[outer.at :]
            self.base += first.token  # spans stay close to the truth
            self.text = self.raw = rest
            self.at = self.command_at = 0
        return self.raw

    def origin(self, at: int) -> int:
        """The offset in the file of a place in the text."""
        return self.base + (self._outer[0].token if self._outer else at)

    # --- the query buffer ---------------------------------------------------------------------------------------

    def skip_comments(self) -> int:
        """Passes over what stands before a statement's first word; psql drops blanks and --, and sends /* … */."""
        text, at, lexer = self.text, self.at, self.lexer
        assert text is not None
        while True:
            start = at
            if lexer.quote:
                at = lexer.close(text, at)
            elif text.startswith(b"/*", at):
                lexer.quote, lexer.comment_depth = b"*", 0
                at += 2
            else:
                at = LEADING_AT(text, at).end()
                if not self.parts:
                    start = at
                if at == len(text) or not text.startswith(b"/*", at):
                    if at > start:
                        self.parts.append(self.raw[start:at])
                    self.at = at
                    return at
            if at > start:
                self.parts.append(self.raw[start:at])
            if lexer.quote and at == len(text):
                self.at = at
                return at

    def begin(self, at: int) -> None:
        """A statement's first word."""
        self.begun = True
        self.begun_in_value = bool(self._outer)
        self.interpolated = self.begun_in_value
        self.start_line = self.line_number
        self.start = self.origin(at)

    def source(self, start: int, end: int, closing: bytes) -> bytes:
        """What has been gathered as the file writes it, with its variables: b"" where that is no other text. Once.
        `closing` is the semicolon that ended it, which may be the value's."""
        interpolated, self.interpolated = self.interpolated, False
        written = self.data[start:end] + (self.token if self._outer else closing)
        self.previous_source = (written or self.token) if interpolated else b""
        return self.previous_source

    def drop_newline(self) -> None:
        """A line that holds only a backslash command adds nothing to the statement around it."""
        if len(self.parts) == self._newline:
            self.parts.pop()
            self._lines.pop()
        self._newline = -1

    def take(self) -> bytes:
        """Empties the query buffer; `previous` remembers it for a lone `\\g`."""
        parts = self.parts
        self.previous = parts[0] if len(parts) == 1 else b"".join(parts)
        parts.clear()
        self.begun = False
        self._newline = -1
        return self.previous

    @property
    def first_line(self) -> int:
        """Where what has been gathered begins, comments included."""
        return self._lines[0] if self._lines else self.line_number

    def take_lines(self) -> tuple[int, ...]:
        """The line numbers of what has been taken, where there are several."""
        lines, self._lines = self._lines, [self.line_number]
        return tuple(lines) if len(lines) > 1 else ()

    def clear(self) -> None:
        """`\\r`."""
        self.parts.clear()
        self.begun = self.interpolated = False
        self.lexer.reset()

    # --- \if ----------------------------------------------------------------------------------------------------

    def push(self, arm: Arm) -> None:
        self.branches.append(Branch(arm, len(self.parts), self.lexer.paren_depth, self.begun))
        self._settle()

    def poke(self, arm: Arm) -> None:
        self.branches[-1].arm = arm
        self._settle()

    def pop(self) -> None:
        self.branches.pop()
        self._settle()

    def keep(self) -> None:
        """The branch that ends was taken: what it added to the statement stays."""
        branch = self.branches[-1]
        branch.parts, branch.paren_depth, branch.begun = len(self.parts), self.lexer.paren_depth, self.begun

    def discard(self) -> None:
        """The branch that ends wasn't taken: what it added goes."""
        branch = self.branches[-1]
        del self._lines[len(self._lines) - self.parts[branch.parts :].count(b"\n") :]
        del self.parts[branch.parts :]
        self.lexer.paren_depth, self.begun = branch.paren_depth, branch.begun

    def _settle(self) -> None:
        self.active = not self.branches or self.branches[-1].arm in (Arm.TRUE, Arm.ELSE_TRUE)

    # --- COPY ---------------------------------------------------------------------------------------------------

    def copy_rows(self, chunk: int) -> Iterator[bytes]:
        """Whole lines up to `\\.` or the end of the file; psql starts on the line after the statement's."""
        start = self.next_base
        end = self.skip_rows()
        for at in range(start, end, chunk):
            yield self.data[at : min(at + chunk, end)]

    def skip_rows(self) -> int:
        """Goes on behind those rows. Returns where they end."""
        data, start = self.data, self.next_base
        end = start - 1  # the newline before the first row
        while (end := data.find(b"\n\\.", end)) >= 0:
            behind = end + 3 + data.startswith(b"\r", end + 3)
            if behind == len(data) or data.startswith(b"\n", behind):
                break
            end += 1
        found = end >= 0
        end = end + 1 if found else len(data)
        self.line_number += data.count(b"\n", start, end) + found
        self.next_base = min(behind + 1, len(data)) if found else len(data)
        return end

    def row_after(self, rows: RepeatedRows, start: int, end: int) -> Row | None:
        """The long row of statements that follow the one at those places of the file and are like it. They are passed
        over: the file goes on behind them, as if the last of them had been taken."""
        if not self.ends_its_line or self.branches:
            return None
        row = rows.after(self.data, start, end, self.next_base)
        if row is not None:
            self.line_number += self.data.count(b"\n", self.next_base, row.end)
            self.previous = self.data[row.last : row.end].rstrip()
            self.next_base = row.end
        return row

    @property
    def ends_its_line(self) -> bool:
        """Whether only blanks follow on the line, which is the file's own text."""
        return not self._outer and self.text is not None and not self.text[self.at :].strip(b" \t\r")
