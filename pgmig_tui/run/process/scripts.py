"""The scripts of a run on their way to the server: read as psql reads them, the next one while the server works."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path

from pgmig_tui.database.wire import Wire
from pgmig_tui.run.journal.frozen import RecordedFiles
from pgmig_tui.run.journal.run_plan import RunPlan
from pgmig_tui.run.process.control import Control
from pgmig_tui.run.process.executor import Executor, TransactionFrame
from pgmig_tui.run.process.outlets import Outlets
from pgmig_tui.run.process.session import StepSession
from pgmig_tui.run.process.sink import JournalSink
from pgmig_tui.script.files import Allow
from pgmig_tui.script.reader import PsqlReader


class ScriptExecutors:
    """Makes what carries out one script of `files` on one wire: an `executor`."""

    def __init__(
        self,
        plan: RunPlan,
        control: Control,
        session: StepSession,
        files: RecordedFiles,
        executor: type[Executor] = Executor,
    ) -> None:
        self.plan = plan
        self.control = control
        self.session = session
        self.files = files
        self.make = executor
        self.root = Path(plan.root)
        self._ahead: dict[str, PsqlReader] = {}

    def executor(self, wire: Wire, frame: TransactionFrame, sink: JournalSink, script: str) -> Executor:
        """Carries out `script` over `wire`."""
        outlets = Outlets(self.root)
        reader = self._ahead.pop(script, None)
        if reader is None or _reads_as(reader) != _sends_as(wire):
            reader = self._reader(wire, script, outlets)
        reconnect = self.session.as_role if frame.own_transaction else None
        return self.make(wire, reader, frame, sink, outlets, reconnect, watcher=self.control.watcher)

    def _reader(self, wire: Wire, script: str, outlets: Outlets) -> PsqlReader:
        plan = self.plan
        encoding, standard_strings = _sends_as(wire)
        server = replace(
            plan.server.facts,
            host=plan.server.conninfo.get("host", ""),
            port=plan.server.conninfo.get("port", ""),
            encoding=encoding or plan.server.encoding,
        )
        reader = PsqlReader(
            script,
            self.files.script(script),
            self.files,
            plan.variables,
            Allow(shell=plan.allow_shell, files=plan.allow_files),
            server=server,
            run_shell=lambda command: outlets.shell(command)[0],
        )
        reader.standard_conforming_strings = standard_strings
        return reader

    def read_ahead(self, wire: Wire, script: str | None) -> None:
        """Begin to read the script that comes next while the server works."""
        if script is None or self.plan.allow_shell:  # with a shell allowed, reading may run a command
            return

        def read() -> None:
            with contextlib.suppress(Exception):  # whoever runs the script meets it again, and tells
                reader = self._reader(wire, script, Outlets(self.root))
                reader.read_ahead()
                self._ahead[script] = reader

        self.control.meanwhile(read)


def _sends_as(wire: Wire) -> tuple[str, bool]:
    """Client encoding and string syntax, on which the reading of a script depends."""
    return wire.parameter("client_encoding"), wire.parameter("standard_conforming_strings") != "off"


def _reads_as(reader: PsqlReader) -> tuple[str, bool]:
    return reader.encoding, reader.standard_conforming_strings
