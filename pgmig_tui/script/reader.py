"""psql's reading of a script, one action at a time: what `psql -X -q -f` would do, decided when it would decide it.

PostgreSQL's `mainloop.c` is the model: line by line, a query buffer, a stack of included files, each with its own
buffer and its own `\\if`s. Who carries the actions out (`run.process.executor`) reports each outcome before asking on,
because variables, `\\if` and even where a string ends depend on it.
"""

from __future__ import annotations

from collections.abc import Iterator

from pgmig_tui.script.actions import Action, CopyFile, Echo, Outcome, Send, Then
from pgmig_tui.script.arguments import Arguments
from pgmig_tui.script.frame import SourceFrame
from pgmig_tui.script.kinds import kind_of
from pgmig_tui.script.lexer import VARIABLE_AT, Stop
from pgmig_tui.script.meta import Sending, command_of
from pgmig_tui.script.problems import ScriptError, ScriptRefused
from pgmig_tui.script.psql import PsqlSession
from pgmig_tui.script.repeated import RepeatedRows, Row
from pgmig_tui.script.statement import begins_transaction_itself, decode
from pgmig_tui.script.values import lazily
from pgmig_tui.script.variables import (
    VariableError,
    assigned,
    is_special,
    parse_boolean,
    quote_identifier,
    quote_literal,
    to_bytes,
    to_text,
)

_SAVEPOINT = b"pg_psql_temporary_savepoint"
_MESSES_WITH_SAVEPOINTS = ("SAVEPOINT", "RELEASE", "ROLLBACK", "ROLLBACK TO")


class PsqlReader(PsqlSession):
    """One psql session reading one script; see PsqlSession for what it is made of.

    `next` raises ScriptError where psql would stop with an error of its own, ScriptRefused for what we don't do.
    """

    _awaiting: Send | CopyFile | None = None
    _in_transaction = False
    _savepoint = False  # one of our own is open, for ON_ERROR_ROLLBACK

    @lazily
    def _rows(self) -> RepeatedRows:
        return RepeatedRows()

    # --- what the executor uses -----------------------------------------------------------------------------------

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
        command = command_of(name)
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
