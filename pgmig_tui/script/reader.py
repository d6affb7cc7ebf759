"""psql's reading of a script, one action at a time: what `psql -X -q -f` would do, decided when it would decide it.

PostgreSQL's `mainloop.c` is the model: line by line, a query buffer, a stack of included files, each with its own
buffer and its own `\\if`s. Who carries the actions out (`run.process.executor`) reports each outcome before asking on,
because variables, `\\if` and even where a string ends depend on it.
"""

from __future__ import annotations

import re
import shlex
from collections import deque
from collections.abc import Callable, Iterator, Mapping

from pgmig_tui.errors import UsageError
from pgmig_tui.script.actions import Action, CopyFile, Echo, Outcome, Send, ServerFacts, Then
from pgmig_tui.script.arguments import Arguments
from pgmig_tui.script.files import NOWHERE, Allow, FileSource
from pgmig_tui.script.frame import SourceFrame
from pgmig_tui.script.kinds import kind_of
from pgmig_tui.script.lexer import VARIABLE_AT, Stop
from pgmig_tui.script.meta import COMMANDS, Sending
from pgmig_tui.script.problems import ScriptError, ScriptRefused, ScriptUnbounded
from pgmig_tui.script.repeated import RepeatedRows, Row
from pgmig_tui.script.statement import begins_transaction_itself, decode
from pgmig_tui.script.variables import (
    VariableError,
    assigned,
    initial,
    is_special,
    parse_boolean,
    quote_identifier,
    quote_literal,
    to_bytes,
    to_text,
    unset_value,
)

_DEEPEST_INCLUDE = 100
_MOST_INCLUDES = 10_000
_DEEPEST_IF = 100
_EXPANDED_BYTES = 64 << 20
"""What a script can't do without bound: values of variables may hold each other, and files include files twice."""
_IN_BACKTICKS = re.compile(rb":(?:([A-Za-z0-9_\x80-\xff]+)|'([A-Za-z0-9_\x80-\xff]+)')")
_SAVEPOINT = b"pg_psql_temporary_savepoint"
_MESSES_WITH_SAVEPOINTS = ("SAVEPOINT", "RELEASE", "ROLLBACK", "ROLLBACK TO")

_POLICIES = frozenset({"pgmig.toml", "sqitch.conf"})

RunShell = Callable[[str], bytes]


class PsqlReader:
    """One psql session reading one script.

    `name` is the script's path relative to the project, `variables` are those of `--set` (Sqitch's, `registry`
    included), `run_shell` answers for backticks with a command's output and is used only where `allow.shell` is true.

    `standard_conforming_strings` and `encoding` follow the server: set them after each statement that may have changed
    them. Their value counts from the next line on, as in psql.

    Raises UsageError for `variables` that psql would not set, ScriptError for a script with a NUL byte.
    `next` raises ScriptError where psql would stop with an error of its own, ScriptRefused for what we don't do.
    """

    def __init__(
        self,
        name: str,
        data: bytes,
        files: FileSource,
        variables: Mapping[str, str],
        allow: Allow,
        *,
        server: ServerFacts,
        run_shell: RunShell | None = None,
    ) -> None:
        self.name = name
        try:
            self.variables = initial(server, variables)
        except VariableError as error:
            raise UsageError(f"a variable can't be set: {error}") from None
        self.standard_conforming_strings = True
        self.server = server
        self.files = files
        self.allow = allow
        self.restricted = ""
        self._run_shell = run_shell
        self._frames: list[SourceFrame] = []
        self._queue: deque[Action] = deque()
        self._awaiting: Send | CopyFile | None = None
        self._in_transaction = False
        self._savepoint = False  # one of our own is open, for ON_ERROR_ROLLBACK
        self._encoding = server.encoding
        self._rows = RepeatedRows()
        self._expanded = 0
        self._included = 0
        self.include(name, data)

    # --- what the executor uses -----------------------------------------------------------------------------------

    @property
    def encoding(self) -> str:
        """The client encoding, as PostgreSQL names it."""
        return self._encoding

    @encoding.setter
    def encoding(self, name: str) -> None:
        if name != self._encoding:
            self._encoding = self.variables["ENCODING"] = name

    def next(self) -> Action | None:
        """The next thing to do, None at the end of the script."""
        while True:
            if self._queue:
                action = self._queue.popleft()
                if isinstance(action, Send | CopyFile):
                    self._awaiting = action
                return action
            if not self._frames:
                return None
            self._read_on(self._frames[-1])

    def read_ahead(self) -> None:
        """Read up to the first thing to do, which `next` then hands out at once. Raises as `next` does."""
        while not self._queue and self._frames:
            self._read_on(self._frames[-1])

    def copy_rows(self, chunk: int = 65536) -> Iterator[bytes]:
        """The rows that follow a COPY … FROM stdin, in pieces of `chunk` bytes, without the line `\\.` that ends them.

        To be called, and read to its end, when the server has answered the last Send with COPY IN.
        """
        return self._frames[-1].copy_rows(chunk) if self._frames else iter(())

    def report(self, outcome: Outcome) -> None:
        """Tells what became of the last Send or CopyFile. Raises ScriptError where psql's \\gset would fail."""
        sent, self._awaiting = self._awaiting, None
        self._in_transaction = outcome.in_transaction
        if sent is None or (isinstance(sent, Send) and sent.implicit):
            return
        self._set_result_variables(outcome)
        if self._savepoint:
            self._end_savepoint(sent, outcome)
        if outcome.ok and isinstance(sent, Send):
            if sent.then == "gset" and outcome.columns:
                self._gset(sent, outcome)
            elif sent.then == "gexec":
                self._gexec(sent, outcome)

    def row_after(self, sent: Send) -> Row | None:
        """The long row of statements that follow `sent` and are like it, to be sent one after the other; the reader
        goes on behind them. To be asked after `report`."""
        if self._queue or not self._frames or self._encoding != "UTF8" or sent.then != "plain" or sent.implicit:
            return None
        if self.variables["AUTOCOMMIT"] != "on" or self.variables["ON_ERROR_ROLLBACK"] != "off":
            return None
        frame = self._frames[-1]
        if frame.name != sent.path or frame.data[sent.start : sent.end + 1] != sent.sql:
            return None  # variables or comments are in it
        return frame.row_after(self._rows, sent.start, sent.end + 1)

    # --- what the commands (meta.py) use --------------------------------------------------------------------------

    @property
    def frame(self) -> SourceFrame:
        return self._frames[-1]

    @property
    def stops_on_error(self) -> bool:
        """Whether a failing statement ends the script. psql looks at ON_ERROR_STOP when it starts with a line."""
        frame = self._frames[-1] if self._frames else None
        return frame.strict if frame else parse_boolean(self.variables["ON_ERROR_STOP"]) is True

    def emit(self, action: Action) -> None:
        self._queue.append(action)

    def check_depth(self) -> None:
        """Before one more `\\if`. Raises ScriptRefused."""
        if len(self.frame.branches) >= _DEEPEST_IF:
            raise self._unbounded(f"\\if: nested more than {_DEEPEST_IF} deep")

    def echo(self, text: str, stream: str = "out") -> None:
        frame = self.frame
        self.emit(Echo(text, "err" if stream == "err" else "out", frame.name, frame.line_number))

    def problem(self, message: str) -> ScriptError:
        """psql's own error, to be raised."""
        return ScriptError(self.frame.name, self.frame.line_number, message)

    def refusal(self, message: str, do: str = "") -> ScriptRefused:
        return ScriptRefused(self.frame.name, self.frame.line_number, message, do=do)

    def _unbounded(self, message: str) -> ScriptUnbounded:
        return ScriptUnbounded(self.frame.name, self.frame.line_number, message)

    def needs_shell(self, what: str) -> None:
        if self.allow.trial:
            raise self.refusal(
                f"{what} runs a program outside the database, which no dry run and no rehearsal does, whatever"
                " allow_shell says",
                "What it does can't be taken back: try the scripts without it.",
            )
        if not self.allow.shell:
            raise self.refusal(
                f"{what} runs a program outside the database, which only --allow-shell (allow_shell in pgmig.toml)"
                " allows",
                "Write it in SQL, or say --allow-shell; allow_shell in pgmig.toml allows it for this environment.",
            )

    def set_variable(self, name: str, value: str) -> None:
        if name in ("SINGLELINE", "SINGLESTEP") and parse_boolean(value or "on"):
            raise self.refusal(f"{name} is for a person at psql")
        try:
            self.variables[name] = assigned(name, value)
        except VariableError as error:
            raise self.problem(str(error)) from None

    def unset_variable(self, name: str) -> None:
        value = unset_value(name)
        if value is None:
            self.variables.pop(name, None)
        else:
            self.variables[name] = value

    def lookup(self, name: bytes) -> bytes | None:
        """A variable's value; in a branch that isn't taken there are none."""
        value = self.variables.get(to_text(name)) if self.frame.active else None
        if value is None:
            return None
        data = to_bytes(value)
        self._expanded += len(data)
        if self._expanded > _EXPANDED_BYTES:
            raise self._unbounded(f"its variables expand to more than {_EXPANDED_BYTES >> 20} MB")
        return data

    def shell(self, command: bytes) -> bytes:
        """What a command in backticks prints, without its last line end."""
        if not self.frame.active:
            return b""
        self.needs_shell("a command in backticks")
        if self._run_shell is None:
            raise self.refusal("a command in backticks can't be run here")

        def fill(found: re.Match[bytes]) -> bytes:
            value = self.lookup(found[1] or found[2]) if found[1] or found[2] else None
            if value is None:
                return found[0]
            return value if found[1] else to_bytes(shlex.quote(to_text(value)))

        filled = _IN_BACKTICKS.sub(fill, command)
        return self._run_shell(to_text(filled)).removesuffix(b"\n").removesuffix(b"\r")

    def read_file(self, path: str, *, relative: bool = False) -> tuple[str, bytes]:
        """A file's name and content; problems are those of the script that names it."""
        frame = self.frame
        try:
            return self.files.read(path, relative_to=frame.name if relative else None, line=frame.line_number)
        except ScriptError as error:
            raise type(error)(frame.name, frame.line_number, error.message, do=error.do) from None

    def resolve_file(self, path: str) -> str:
        """The name of a file to write."""
        frame = self.frame
        try:
            name = self.files.resolve(path, relative_to=None, line=frame.line_number)
        except ScriptError as error:
            raise type(error)(frame.name, frame.line_number, error.message, do=error.do) from None
        if not self.allow.files and name != NOWHERE and _obeyed(name):
            raise self.refusal(
                f"{path} is obeyed by this program or by git: no script writes it",
                "Write into another file, or set allow_files for this environment in pgmig.toml.",
            )
        return name

    def include(self, name: str, data: bytes) -> None:
        """Goes on in another file; afterwards behind the command that named it."""
        if len(self._frames) >= _DEEPEST_INCLUDE:
            raise self._unbounded(f"{name}: included more than {_DEEPEST_INCLUDE} files deep")
        self._included += 1
        if self._included > _MOST_INCLUDES:
            raise self._unbounded(f"more than {_MOST_INCLUDES} files are included")
        nul = data.find(b"\0")
        if nul >= 0:
            raise ScriptError(name, data.count(b"\n", 0, nul) + 1, "holds a NUL byte, which no SQL text may")
        self._frames.append(SourceFrame(name, data))

    # --- the main loop --------------------------------------------------------------------------------------------

    def _read_on(self, frame: SourceFrame) -> None:
        """Reads until there is something to do, or to the end of the line."""
        if frame.text is None:
            strict = self.variables["ON_ERROR_STOP"]
            if not frame.next_line(self.standard_conforming_strings, strict, self._encoding):
                self._end_file(frame)
                return
        text, lexer = frame.text, frame.lexer
        assert text is not None
        raw, size, parts = frame.raw, len(text), frame.parts
        while True:
            at = frame.at
            if not frame.begun:
                at = frame.skip_comments()
                if at == size:
                    if frame.end_text():
                        return
                    text, raw, size = frame.current()
                    continue
                if text[at] != 0x5C or text[at + 1 : at + 2] in (b";", b":"):
                    frame.begin(at)
            stop, start, end = lexer.scan(text, at, frame.std_strings)
            if stop is Stop.SEMICOLON:
                parts.append(raw[at:end])
                frame.at = end
                if frame.active:
                    self.send(frame, end=frame.origin(start))
                    return
                continue
            if start > at:
                parts.append(raw[at:start])
            frame.at = end
            if stop is Stop.END:
                if frame.end_text():
                    return
                text, raw, size = frame.current()
            elif stop is Stop.ESCAPED:
                self.escaped(frame, raw[start + 1 : end])
            elif stop is Stop.VARIABLE:
                self._variable(frame, start, raw[start:end])
                text, raw, size = frame.current()
            else:
                self._command(frame)
                return

    def _variable(self, frame: SourceFrame, start: int, token: bytes) -> None:
        found = VARIABLE_AT(token)
        assert found
        plain, literal, identifier, tested = found.groups()
        name = plain or literal or identifier or tested
        value = self.lookup(name)
        if tested is not None:
            self.fill(frame, b"FALSE" if value is None else b"TRUE")
        elif value is None or (plain is not None and frame.is_expanding(name)):
            self.leave(frame, token, name)
        elif plain is not None:
            frame.interpolated = True
            self.fill(frame, b"")
            frame.expand(name, value, start)
        else:
            frame.interpolated = True
            self.fill(frame, quote_literal(value) if literal is not None else quote_identifier(value))

    def fill(self, frame: SourceFrame, text: bytes) -> None:
        """Puts a variable's value into the statement."""
        if text:
            frame.parts.append(text)

    def leave(self, frame: SourceFrame, token: bytes, name: bytes) -> None:
        """Sends an unknown variable as it is written."""
        frame.parts.append(token)

    def escaped(self, frame: SourceFrame, char: bytes) -> None:
        """`\\;` joins two statements into one query."""
        frame.parts.append(char)

    def send(
        self, frame: SourceFrame, *, end: int, then: Then = "plain", argument: str = "", sql: bytes | None = None
    ) -> None:
        """Sends what the query buffer holds (or `sql`), and empties it."""
        line, start = (frame.start_line, frame.start) if frame.begun else (frame.first_line, end)
        again = sql is not None
        if sql is None:
            sql = frame.take()
        lines = frame.take_lines()
        text = decode(sql, self._encoding)
        written = frame.previous_source if again else frame.source(start, end, b";" if sql.endswith(b";") else b"")
        source = decode(written, self._encoding)
        action = Send(frame.name, line, frame.line_number, sql, text, then, argument, start, end, lines, source=source)
        if self.variables["AUTOCOMMIT"] != "on" or self.variables["ON_ERROR_ROLLBACK"] != "off":
            self._before_send(action)
        self._queue.append(action)

    def _command(self, frame: SourceFrame) -> None:
        """Carries out the backslash command whose backslash has just been read."""
        frame.drop_newline()
        arguments = Arguments(frame.flatten(), frame.at, self.lookup, self.shell)
        name = arguments.command()
        try:
            sending = self._dispatch(frame, name.decode("utf-8", "replace"), arguments)
        except ScriptRefused:
            raise
        except ScriptError as error:
            frame.at = len(arguments.text)
            if frame.strict:
                raise
            self.emit(Echo(f"{error.what}\n", "err", frame.name, frame.line_number))
            return
        if arguments.unterminated:
            self.emit(Echo("unterminated quoted string\n", "err", frame.name, frame.line_number))
        if frame.active:
            self._pass_over(frame, to_text(name), arguments)
        arguments.finish()
        frame.at = arguments.at
        if sending:
            sql = None if frame.parts else frame.previous
            end = frame.origin(frame.command_at)
            self.send(frame, end=end, then=sending.then, argument=sending.argument, sql=sql)
            frame.lexer.reset()

    def _pass_over(self, frame: SourceFrame, name: str, arguments: Arguments) -> None:
        """Arguments that the command does not take; they are read all the same, commands in backticks too."""
        for extra in arguments.rest():
            warning = f'\\{name}: extra argument "{to_text(extra.text)}" ignored\n'
            self.emit(Echo(warning, "err", frame.name, frame.line_number))

    def _dispatch(self, frame: SourceFrame, name: str, arguments: Arguments) -> Sending | None:
        command = COMMANDS.get(name)
        if self.restricted and name != "unrestrict":
            raise self.problem("backslash commands are restricted; only \\unrestrict is allowed")
        if command is None:
            raise self.problem(f"invalid command \\{name}")
        if not frame.active and not command.branches:
            if command.whole_line:
                arguments.whole_line()
            else:
                arguments.rest()
            return None
        return command.run(self, arguments, name)

    def _end_file(self, frame: SourceFrame) -> None:
        """What stands after the last semicolon is a statement too. Then back to the including file."""
        if frame.parts and frame.active:
            self.send(frame, end=len(frame.data))
            return
        self._frames.pop()
        if frame.branches and not frame.quit:
            error = ScriptError(frame.name, frame.line_number, "reached EOF without finding closing \\endif(s)")
            if frame.strict:
                raise error
            self.emit(Echo(f"{error.what}\n", "err", frame.name, frame.line_number))

    # --- what psql does around a statement --------------------------------------------------------------------------

    def _before_send(self, action: Send) -> None:
        autocommit = parse_boolean(self.variables["AUTOCOMMIT"])
        if not autocommit and not self._in_transaction and not begins_transaction_itself(action.text):
            self._queue.append(self._implicit(action, b"BEGIN"))
        elif self._in_transaction and parse_boolean(self.variables["ON_ERROR_ROLLBACK"]):
            self._queue.append(self._implicit(action, b"SAVEPOINT " + _SAVEPOINT))
            self._savepoint = True

    def _end_savepoint(self, sent: Send | CopyFile, outcome: Outcome) -> None:
        self._savepoint = False
        if not outcome.in_transaction:
            return
        if not outcome.ok:
            self._queue.append(self._implicit(sent, b"ROLLBACK TO " + _SAVEPOINT))
        elif kind_of(sent.text) not in _MESSES_WITH_SAVEPOINTS:
            self._queue.append(self._implicit(sent, b"RELEASE " + _SAVEPOINT))

    def _implicit(self, about: Send | CopyFile, sql: bytes) -> Send:
        return Send(about.path, about.line, about.line, sql, sql.decode(), implicit=True)

    def _set_result_variables(self, outcome: Outcome) -> None:
        self.variables |= {
            "ERROR": "false" if outcome.ok else "true",
            "SQLSTATE": outcome.sqlstate,
            "ROW_COUNT": str(outcome.row_count) if outcome.ok else "0",
        }
        if not outcome.ok:
            self.variables |= {"LAST_ERROR_SQLSTATE": outcome.sqlstate, "LAST_ERROR_MESSAGE": outcome.message}

    def _gset(self, sent: Send, outcome: Outcome) -> None:
        def problem(message: str) -> None:
            error = ScriptError(sent.path, sent.end_line, message)
            if self.stops_on_error:
                raise error
            self.emit(Echo(f"{error.what}\n", "err", sent.path, sent.end_line))

        if outcome.row_count != 1 or outcome.first_row is None:
            few = outcome.row_count == 0
            problem("no rows returned for \\gset" if few else "more than one row returned for \\gset")
            return
        for column, value in zip(outcome.columns, outcome.first_row, strict=True):
            name = sent.argument + column
            if is_special(name):
                warning = f'attempt to \\gset into specially treated variable "{name}" ignored\n'
                self.emit(Echo(warning, "err", sent.path, sent.end_line))
            elif value is None:
                self.variables.pop(name, None)
            else:
                try:
                    self.variables[name] = assigned(name, value)
                except VariableError as error:
                    problem(str(error))
                    return

    def _gexec(self, sent: Send, outcome: Outcome) -> None:
        for row in outcome.rows:
            for value in row:
                if value is not None:
                    sql = to_bytes(value)
                    action = Send(sent.path, sent.line, sent.end_line, sql, value, start=sent.start, end=sent.end)
                    if self.variables["AUTOCOMMIT"] != "on":
                        self._before_send(action)
                    self._queue.append(action)


def _obeyed(name: str) -> bool:
    """Whether a file of the project says what programs do: a policy, a configuration, `.git` and its like."""
    parts = name.split("/")
    return parts[-1] in _POLICIES or any(part.startswith(".") for part in parts)
