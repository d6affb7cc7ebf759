"""What a script may do, read without running it: every branch, every file it includes, and what can't be known.

The same reader that runs scripts walks here through all arms of every `\\if`, takes each COPY for successful, and notes
what would stop it instead of stopping. Nothing is sent and nothing is raised.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pgmig_tui.display.mask import mask_secrets
from pgmig_tui.script.actions import (
    Action,
    CopyFile,
    RedirectOutput,
    Send,
    ServerFacts,
    SetEnvironment,
    ShellCommand,
    Then,
)
from pgmig_tui.script.arguments import Arguments
from pgmig_tui.script.files import Allow, FileSource
from pgmig_tui.script.frame import Arm, SourceFrame
from pgmig_tui.script.meta import Sending
from pgmig_tui.script.parse import output_names
from pgmig_tui.script.problems import ScriptError, ScriptRefused, ScriptUnbounded
from pgmig_tui.script.reader import PsqlReader
from pgmig_tui.script.repeated import RepeatedRows
from pgmig_tui.script.silence import Silence, is_marked, silences
from pgmig_tui.script.statement import Statement, decode
from pgmig_tui.script.variables import is_special, parse_boolean, to_text

Path = tuple[tuple[int, int], ...]

_COPY_IN = re.compile(r"COPY\b.*?\bFROM\s+STDIN\b", re.IGNORECASE | re.DOTALL).match
_VARIABLE = re.compile(r":\w+").fullmatch
_GUARD = re.compile(
    r"SET\s+(?:SESSION\s+|LOCAL\s+)?((?:lock|statement|transaction|idle_in_transaction_session)_timeout)\b",
    re.IGNORECASE,
).match
_SET_STRINGS = re.compile(r"SET\s+(?:SESSION\s+)?standard_conforming_strings\s*(?:=|TO)\s*'?(\w+)", re.IGNORECASE).match
_COMES_FROM_SERVER = frozenset(["ERROR", "SQLSTATE", "ROW_COUNT"])


@dataclass(frozen=True, slots=True)
class Meta:
    """A backslash command; `text` is its line from the backslash on, `branch` as Statement's."""

    path: str
    line: int
    name: str
    text: str
    branch: Path = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a reviewer should know. `refuses`: the script won't be run as it stands.

    Codes: `error` (psql would stop), `refused`, `unterminated`, `unknown variable`, `gexec`, `on_error_stop`,
    `on_error_rollback`, `autocommit`, `connect`, `quit`, `branch in statement`, `guard` (the script's own timeout),
    `shell` (allowed here; what it does and prints is unknown), `file` (allowed here, or inside the project), `silence`
    (a comment that silences no advice).
    """

    path: str
    line: int
    code: str
    message: str
    refuses: bool = False


_CROOKED = frozenset(
    {"error", "refused", "unterminated", "unknown variable", "gexec", "on_error_stop", "on_error_rollback",
     "autocommit", "connect", "quit", "branch in statement"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Preview:
    """`\\if`s are numbered from 1 in `Statement.branch`; `complete` holds those that have an `\\else`."""

    path: str
    statements: tuple[Statement, ...]
    metas: tuple[Meta, ...]
    findings: tuple[Finding, ...]
    included: tuple[str, ...]
    variables_unknown: tuple[str, ...]
    complete: frozenset[int] = frozenset()
    silences: tuple[Silence, ...] = ()

    @property
    def straight(self) -> bool:
        """Whether nothing but its statements decides where its transactions begin and end."""
        return not any(finding.code in _CROOKED or finding.refuses for finding in self.findings)

    @property
    def refused(self) -> bool:
        return any(finding.refuses for finding in self.findings)


def preview(
    name: str,
    data: bytes,
    files: FileSource,
    variables: Mapping[str, str],
    allow: Allow,
    server: ServerFacts,
    *,
    rows: bool = False,
) -> Preview:
    """Reads the whole script. Never raises for what it holds: that becomes findings.

    With `rows` a thousand and more statements in a row that differ in their constants alone are told as one
    (`Statement.times`).
    """
    walker = _Walker(name, files, variables, allow, server)
    walker.rows = RepeatedRows() if rows else None
    walker.open(name, data)
    walker.walk()
    return Preview(
        path=name,
        statements=tuple(walker.statements),
        metas=tuple(walker.metas),
        findings=tuple(walker.findings),
        included=tuple(dict.fromkeys(walker.included)),
        variables_unknown=tuple(dict.fromkeys(walker.missing)),
        complete=frozenset(walker.complete),
        silences=silences(walker.statements, walker.marked),
    )


@dataclass(slots=True)
class _VariableFork:
    """An open `\\if`: its number and arm, the variables before it and after each of its arms. `decided`: an arm that
    certainly runs has begun."""

    number: int
    frame: SourceFrame
    before: dict[str, str]
    arm: int = 0
    after: list[dict[str, str]] = field(default_factory=list)
    has_else: bool = False
    skipped: bool = False
    decided: bool = False

    def begin_arm(self, truth: bool | None) -> None:
        """Whether psql certainly passes over the arm that begins: its condition is false, or an arm before it ran."""
        self.skipped = self.decided or truth is False
        self.decided |= truth is True


class _Walker(PsqlReader):
    def __init__(
        self, name: str, files: FileSource, variables: Mapping[str, str], allow: Allow, server: ServerFacts
    ) -> None:
        super().__init__(name, b"", files, variables, allow, server=server)
        self.statements: list[Statement] = []
        self.metas: list[Meta] = []
        self.findings: list[Finding] = []
        self.included: list[str] = []
        self.missing: list[str] = []
        self.complete: set[int] = set()
        self.marked: dict[str, bytes] = {}
        self.rows: RepeatedRows | None = None
        self._frames.clear()
        self._forks: list[_VariableFork] = []
        self._path: Path = ()
        self._count = 0
        self._may_have_ended = False
        self._shell_used = False

    def open(self, name: str, data: bytes) -> None:
        try:
            self.include(name, data)
        except ScriptError as error:
            self._note(error)

    def walk(self) -> None:
        while self._frames:
            try:
                self._read_on(self._frames[-1])
            except ScriptUnbounded as error:
                self._note(error)
            for action in self._queue:
                self._tell_outside(action)
                if isinstance(action, CopyFile):
                    self._add(action.text, action.line, action.line, "plain", copy=False)
                elif isinstance(action, Send):  # \\copy … from stdin
                    self._add(action.text, action.line, action.line, "plain", start=action.start, end=action.end)
                    self._skip_rows(action.text)
            self._queue.clear()

    # --- statements ---------------------------------------------------------------------------------------------

    def send(
        self, frame: SourceFrame, *, end: int, then: Then = "plain", argument: str = "", sql: bytes | None = None
    ) -> None:
        start, line = frame.start, frame.start_line or frame.line_number
        begun = frame.begun
        if sql is None:
            sql = frame.take()
            if not begun:
                return  # nothing but comments
            again = False
        else:
            again = True  # a lone \\g sends the last statement once more
        plain = not (frame.filled or frame.joined or again or frame.begun_in_value)
        text = decode(frame.data[start:end] if plain else sql, self.encoding)
        self._add(
            text if plain else text.removesuffix(";"), line, frame.line_number, then, argument, start=start, end=end
        )
        if then == "pipe" or (then == "gx" and argument.startswith("|")):
            self._tell_shell(argument.removeprefix("|"), line)
        elif then == "file" or (then == "gx" and argument):
            self._find("file", f"its rows go into the file {argument}", line)
        if then == "gexec":
            self._find("gexec", "\\gexec runs what this query returns: not known before it runs", line)
        elif then == "gset":
            self._forget_columns(self.statements[-1])
        first = text[:4].upper()
        if first == "COPY":
            self._skip_rows(text)
        elif self.rows is not None and plain and then == "plain":
            self._skip_like_it(self.rows, frame, start, end)
        elif first.startswith("SET"):
            self._look_at_set(text, line)

    def _add(
        self,
        text: str,
        line: int,
        end_line: int,
        then: Then,
        argument: str = "",
        *,
        start: int = 0,
        end: int = 0,
        copy: bool = True,
    ) -> None:
        frame = self.frame
        self.statements.append(
            Statement(
                frame.name,
                line,
                end_line,
                text,
                start,
                end,
                self._may_have_ended or bool(self._path),
                then,
                argument,
                tuple(dict.fromkeys(frame.holes)) if frame.holes else (),
                copy and text[:4].upper() == "COPY" and _COPY_IN(text) is not None,
                frame.joined,
                self._path,
                skipped=any(fork.skipped for fork in self._forks),
            )
        )
        frame.holes.clear()
        frame.filled = frame.joined = False

    def _skip_rows(self, text: str) -> None:
        if _COPY_IN(text):
            self.frame.skip_rows()

    def _skip_like_it(self, rows: RepeatedRows, frame: SourceFrame, start: int, end: int) -> None:
        """Pass over the many statements that are like the one that was sent last, and count them with it."""
        row = frame.row_after(rows, start, end + 1) if self.encoding == "UTF8" else None
        if row is not None:
            last = self.statements[-1]
            self.statements[-1] = replace(last, end_line=frame.line_number, end=row.end, times=row.count + 1)

    def _look_at_set(self, text: str, line: int) -> None:
        if guard := _GUARD(text):
            self._find("guard", f"the script sets {guard[1].lower()} itself, which wins over ours until it ends", line)
        elif strings := _SET_STRINGS(text):
            self.standard_conforming_strings = parse_boolean(strings[1]) is not False

    def escaped(self, frame: SourceFrame, char: bytes) -> None:
        super().escaped(frame, char)
        frame.filled = True
        frame.joined |= char == b";"

    def fill(self, frame: SourceFrame, text: bytes) -> None:
        super().fill(frame, text)
        frame.filled = True

    def leave(self, frame: SourceFrame, token: bytes, name: bytes) -> None:
        super().leave(frame, token, name)
        word = to_text(name)
        if word.isdigit():
            return  # a[1:2]
        frame.holes.append(word)
        if word not in _COMES_FROM_SERVER:
            self.missing.append(word)
            self._find("unknown variable", f"{to_text(token)} is not known before the script runs", frame.line_number)

    # --- commands -----------------------------------------------------------------------------------------------

    def _command(self, frame: SourceFrame) -> None:
        if frame.begun:
            frame.filled = True  # the command stands inside the statement
        super()._command(frame)

    def _dispatch(self, frame: SourceFrame, name: str, arguments: Arguments) -> Sending | None:
        text = to_text(b"\\" + name.encode() + arguments.text[arguments.at :]).rstrip()
        self.metas.append(Meta(frame.name, frame.line_number, name, text, self._path))
        try:
            if name in ("if", "elif", "else", "endif") and not self.restricted:
                condition = arguments.text[arguments.at :].split(b"\n", 1)[0]
                self._fork(frame, name, self._truth(condition) if name in ("if", "elif") else True)
                arguments.whole_line()
                return None
            self._shell_used = False
            sending = super()._dispatch(frame, name, arguments)
            if self._shell_used and name == "set":
                self.variables.pop(text.split()[1], None)  # a value from a shell isn't known
        except ScriptError as error:
            self._note(error)
            arguments.whole_line()
            if isinstance(error, ScriptRefused) and name == "set":
                self.variables.pop(text.split()[1], None)  # a value from a shell isn't known
            sending = Sending("plain") if name in ("g", "gx") and frame.begun else None
        self._after(frame, name)
        return sending

    def _pass_over(self, frame: SourceFrame, name: str, arguments: Arguments) -> None:
        try:
            super()._pass_over(frame, name, arguments)
        except ScriptError as error:
            self._note(error)
            arguments.whole_line()

    def shell(self, command: bytes) -> bytes:
        """Nothing is run here; what a command will print is unknown, and said."""
        if self.frame.active:
            self.needs_shell("a command in backticks")
            self._shell_used = True
            self._tell_shell(to_text(command), self.frame.line_number)
            self._find("shell", "what a shell command prints here is not known before it runs", self.frame.line_number)
        return b""

    def _tell_shell(self, command: str, line: int) -> None:
        self._find("shell", f"a shell runs on this host: {mask_secrets(command.strip())}", line)

    def _tell_outside(self, action: Action) -> None:
        """What a command does beside the database: it is allowed here, and shall be seen before it is done."""
        if isinstance(action, ShellCommand):
            self._tell_shell(action.command, action.line)
        elif isinstance(action, SetEnvironment):
            self._find("shell", f"\\setenv sets {action.name} for the shell commands that follow", action.line)
        elif isinstance(action, (RedirectOutput, CopyFile)):
            name = action.name if isinstance(action, RedirectOutput) else action.file
            if name is not None and name.startswith("|"):
                self._tell_shell(name[1:], action.line)
            elif isinstance(action, CopyFile) and action.direction == "in":
                self._tell_read(action.file, action.line)
            elif name is not None:
                self._find("file", f"rows go into the file {name}", action.line)

    def _tell_read(self, name: str, line: int) -> None:
        if name.startswith("/"):  # a resolved name inside the project is relative to it
            self._find("file", f"it reads {name}, which is outside the project", line)

    def _after(self, frame: SourceFrame, name: str) -> None:
        """What a command means for the rest of the script."""
        if name in ("c", "connect"):
            self._find("connect", "\\connect starts a new session", frame.line_number)
        elif name in ("q", "quit"):
            if self._path:
                frame.quit = False
                self._may_have_ended = True
            self._find("quit", "\\quit: what follows is not run", frame.line_number)
        elif name in ("set", "unset"):
            for variable, harmless, code in (
                ("ON_ERROR_STOP", True, "on_error_stop"),
                ("AUTOCOMMIT", True, "autocommit"),
                ("ON_ERROR_ROLLBACK", False, "on_error_rollback"),
            ):
                value = self.variables.get(variable, "")
                if parse_boolean(value) is not harmless and not any(f.code == code for f in self.findings):
                    self._find(code, f"{variable} is {value}", frame.line_number)

    def _forget_columns(self, statement: Statement) -> None:
        """What \\gset sets isn't known any more: the names are those of the query's columns."""
        columns = output_names(statement.node)
        for name in columns if columns is not None else list(self.variables):
            if not is_special(name):
                self.variables.pop(statement.argument + name if columns is not None else name, None)

    def _truth(self, condition: bytes) -> bool | None:
        """What a condition certainly comes to: a word, or a variable that is known; None where it isn't."""
        word = to_text(condition).strip()
        if word.startswith(":"):
            word = self.variables.get(word[1:], "") if _VARIABLE(word) else ""
        return parse_boolean(word) if word.isalnum() else None

    def _fork(self, frame: SourceFrame, name: str, truth: bool | None) -> None:
        if name == "if":
            self.check_depth()
            self._count += 1
            self._forks.append(_VariableFork(self._count, frame, dict(self.variables)))
            self._forks[-1].begin_arm(truth)
            frame.push(Arm.TRUE)
        else:
            if not frame.branches:
                raise self.problem(f"\\{name}: no matching \\if")
            fork = self._forks[-1]
            if fork.has_else and name != "endif":
                raise self.problem(f"\\{name}: cannot occur after \\else")
            if fork.arm == 0:
                frame.keep()
            elif len(frame.parts) != frame.branches[-1].parts:
                frame.discard()
                self._find(
                    "branch in statement", "an \\if inside a statement: shown with its first branch", frame.line_number
                )
            fork.after.append(self.variables)
            fork.has_else |= name == "else"
            fork.arm += 1
            fork.begin_arm(truth)
            self.variables = dict(fork.before)
            if name == "endif":
                self._join()
        self._path = tuple((fork.number, fork.arm) for fork in self._forks)

    def _join(self) -> None:
        """After `\\endif`, a variable is known only if all ways lead to the same value."""
        fork = self._forks.pop()
        fork.frame.pop()
        if fork.has_else:
            self.complete.add(fork.number)
        else:
            fork.after.append(fork.before)
        first, *others = fork.after
        self.variables = {k: v for k, v in first.items() if all(other.get(k) == v for other in others)}

    def include(self, name: str, data: bytes) -> None:
        super().include(name, data)
        if is_marked(data):
            self.marked[name] = data
        if len(self._frames) > 1:
            self.included.append(name)
            self._tell_read(name, self.frame.line_number)

    def _end_file(self, frame: SourceFrame) -> None:
        lexer = frame.lexer
        if frame.parts and (lexer.in_quote or lexer.paren_depth or lexer.begin_depth):
            what = "comment" if lexer.quote == b"*" else "quote" if lexer.in_quote else "parenthesis or BEGIN"
            where = frame.start_line if frame.begun else frame.first_line
            self._find("unterminated", f"the statement ends inside a {what}", where, refuses=True)
        try:
            super()._end_file(frame)
        except ScriptError as error:
            self._note(error)
        if frame not in self._frames:
            while self._forks and self._forks[-1].frame is frame:
                self._forks.pop()
            self._path = tuple((fork.number, fork.arm) for fork in self._forks)

    # --- findings -----------------------------------------------------------------------------------------------

    def _find(self, code: str, message: str, line: int, *, refuses: bool = False) -> None:
        self.findings.append(Finding(self.frame.name, line, code, message, refuses))

    def _note(self, error: ScriptError) -> None:
        code = "refused" if isinstance(error, ScriptRefused) else "error"
        unbounded = isinstance(error, ScriptUnbounded)
        refuses = code == "refused" or unbounded or self.stops_on_error
        if unbounded:
            for frame in self._frames:
                frame.quit, frame.text = True, None
        self.findings.append(Finding(error.path, error.line, code, error.message, refuses))
