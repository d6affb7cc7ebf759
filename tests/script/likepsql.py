"""Scripts run twice: by the real psql, and by our reader with a bare libpq connection to carry its actions out."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import pq

from pgmig_tui.script.actions import CopyFile, Echo, Outcome, Send, ServerFacts, SetEncoding
from pgmig_tui.script.files import Allow, ProjectFiles
from pgmig_tui.script.problems import ScriptError
from pgmig_tui.script.reader import PsqlReader

_PLACE = re.compile(r"^psql:[^:]*?([^/:]+):(\d+): ", re.MULTILINE)


@dataclass(frozen=True)
class Transcript:
    """`out`: every query as it was sent, and what \\echo said, in order. `stopped`: file and line of the last error."""

    out: bytes
    stopped: tuple[str, int] | None


def by_psql(
    psql: Path, conninfo: str, root: Path, name: str, variables: Mapping[str, str], encoding: str
) -> Transcript:
    sets = [word for pair in sorted(variables.items()) for word in ("--set", "=".join(pair))]
    done = subprocess.run(
        [
            str(psql),
            *["-X", "-q", "-A", "-t", "-e", "-o", "/dev/null"],
            "-d",
            conninfo,
            *sets,
            "--set",
            "ON_ERROR_STOP=1",
            "-f",
            name,
        ],
        cwd=root,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PGCLIENTENCODING": encoding, "LC_ALL": "C.UTF-8"},
        timeout=60,
        check=False,
    )
    complaints = _PLACE.findall(done.stderr.decode("utf-8", "replace"))
    assert done.returncode in (0, 3), done.stderr
    stopped = (complaints[-1][0], int(complaints[-1][1])) if done.returncode else None
    return Transcript(done.stdout, stopped)


def by_reader(conninfo: str, root: Path, name: str, variables: Mapping[str, str], encoding: str) -> Transcript:
    """Stops at the first failing statement where ON_ERROR_STOP is on, as the executor does."""
    files = ProjectFiles(root)
    with psycopg.connect(conninfo, autocommit=True, client_encoding=encoding) as connection:
        connection.add_notice_handler(lambda notice: None)
        pgconn = connection.pgconn
        info = connection.info
        facts = ServerFacts(info.server_version, info.dbname, info.user, info.host, str(info.port), encoding)
        out = bytearray()
        here: tuple[str, int] = (name, 0)
        try:
            reader = PsqlReader(name, (root / name).read_bytes(), files, variables, Allow(), server=facts)
            while (action := reader.next()) is not None:
                here = (action.path, action.line)
                match action:
                    case Send():
                        if not action.implicit:
                            out += action.sql + b"\n"
                        outcome = _run(pgconn, action.sql, reader)
                    case CopyFile():
                        out += action.sql + b"\n"
                        outcome = _run(pgconn, action.sql, action.data)
                    case Echo(text=text, stream="out"):
                        out += text.encode("utf-8", "surrogateescape")
                        continue
                    case SetEncoding(name=encoding):
                        outcome = _run(pgconn, b"SET client_encoding TO '" + encoding.encode() + b"'", b"")
                        reader.encoding = connection.info.parameter_status("client_encoding") or ""
                        continue
                    case _:
                        continue
                reader.standard_conforming_strings = info.parameter_status("standard_conforming_strings") == "on"
                reader.encoding = info.parameter_status("client_encoding") or encoding
                reader.report(outcome)
                if not outcome.ok and reader.stops_on_error:
                    end = action.end_line if isinstance(action, Send) else action.line
                    return Transcript(bytes(out), (Path(action.path).name, end))
        except ScriptError as error:
            return Transcript(bytes(out), (Path(error.path).name, error.line))
        except OSError:
            return Transcript(bytes(out), here)
        return Transcript(bytes(out), None)


def _run(pgconn: pq.abc.PGconn, sql: bytes, rows: PsqlReader | bytes) -> Outcome:
    pgconn.send_query(sql)
    last: pq.abc.PGresult | None = None
    error: pq.abc.PGresult | None = None
    while (result := pgconn.get_result()) is not None:
        if result.status == pq.ExecStatus.COPY_IN:
            for chunk in rows.copy_rows() if isinstance(rows, PsqlReader) else [rows]:
                pgconn.put_copy_data(chunk)
            pgconn.put_copy_end()
        elif result.status == pq.ExecStatus.COPY_OUT:
            while pgconn.get_copy_data(0)[0] > 0:
                pass
        elif result.status == pq.ExecStatus.FATAL_ERROR:
            error = result
        last = result
    assert last is not None
    inside = pgconn.transaction_status in (pq.TransactionStatus.INTRANS, pq.TransactionStatus.INERROR)
    if error is not None:
        state = (error.error_field(pq.DiagnosticField.SQLSTATE) or b"").decode()
        message = (error.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or b"").decode("utf-8", "replace")
        return Outcome(False, state, message, in_transaction=inside)
    table = [tuple(_text(last.get_value(row, column)) for column in range(last.nfields)) for row in range(last.ntuples)]
    return Outcome(
        True,
        row_count=last.ntuples if last.nfields else last.command_tuples or 0,
        columns=tuple((last.fname(column) or b"").decode("utf-8", "surrogateescape") for column in range(last.nfields)),
        first_row=table[0] if table else None,
        rows=table,
        in_transaction=inside,
    )


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "surrogateescape")
