"""What the server has written into its log: errors of its statements, lost deadlocks and cancelled statements.

A log belongs to the whole server and to strangers: what is read is bounded, and only lines that tell of an error are
kept, with secrets masked. PostgreSQL lets a superuser read it, and whoever was granted the functions for it.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

from pgmig_tui.database.text import ident, literal, load
from pgmig_tui.display.mask import mask_secrets
from pgmig_tui.errors import PgmigError

if TYPE_CHECKING:
    from pgmig_tui.database.connect import Connection

Kind = Literal["error", "fatal", "deadlock", "canceled"]
Form = Literal["jsonlog", "csvlog", "stderr"]
KINDS: tuple[Kind, ...] = ("error", "fatal", "deadlock", "canceled")
MOST_BYTES = 256 * 1024
"""Read at once; what was written before that is not looked at, and that is told."""
_LONGEST = 400
_ENGLISH = re.compile(r"(C|POSIX|en)?([._@]|$)", re.IGNORECASE)
_SEVERE = ("ERROR", "FATAL", "PANIC")
_READER = "pg_catalog.pg_read_binary_file(text, bigint, bigint, boolean)"
_STATER = "pg_catalog.pg_stat_file(text, boolean)"
_OURS = "pgmig/"
_LINE = re.compile(r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?) \S+ ?(.*?)\b(ERROR|FATAL|PANIC):  (.*)$")
_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?")
_BY_WORDS: tuple[tuple[str, Kind], ...] = (("deadlock detected", "deadlock"), ("canceling statement", "canceled"))


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of the log. `at` is seconds since 1970; `sqlstate` is "" in the form that has none."""

    at: float
    kind: Kind
    severity: str
    sqlstate: str
    message: str
    application: str = ""


@dataclass(frozen=True, slots=True)
class LogPlace:
    """Which of its logs the server lets us read, or `why` not. `zone` is that of its times."""

    form: Form | None = None
    zone: str = "GMT"
    why: str = ""


def find_log(connection: Connection) -> LogPlace:
    """Where the log is. Raises ServerError, ConnectionLost."""
    row = connection.one(load("queries/watch_log_where"))
    assert row is not None
    destination, collected, zone, language, prefix, may_name, may_read, may_stat = row
    forms = [one.strip() for one in str(destination).split(",")]
    known: list[Form] = [one for one in ("jsonlog", "csvlog", "stderr") if one in forms]
    if not known or not collected:
        return LogPlace(why=f"the server keeps no log that it could show (log_destination = {destination})")
    role = ident(connection.role)
    if not may_name:
        return LogPlace(why=f"role {connection.role} may not know where the log is: GRANT pg_monitor TO {role};")
    if not may_read or not may_stat:
        lacking = ", ".join(one for one, may in ((_READER, may_read), (_STATER, may_stat)) if not may)
        told = f"role {connection.role} may not read the log: GRANT EXECUTE ON FUNCTION {lacking} TO {role};"
        return LogPlace(why=told)
    if _zone(str(zone)) is None:
        return LogPlace(why=f"the times in the log are of a zone that is not known here (log_timezone = {zone})")
    if known[0] == "stderr" and not _ENGLISH.match(str(language)):
        return LogPlace(why=f"the log is written in another language than English (lc_messages = {language})")
    if known[0] == "stderr" and not str(prefix).startswith(("%m", "%t")):
        return LogPlace(why=f"the lines of the log don't begin with their time (log_line_prefix = {prefix})")
    return LogPlace(known[0], str(zone))


class ServerLog:
    """Reads on in the log from look to look. `since` (seconds since 1970): what was written before is left out."""

    def __init__(self, connection: Connection, database: str, since: float) -> None:
        """Never raises for the server: `place.why` says what went wrong."""
        self._connection, self._database, self._since = connection, database, since
        self._path, self._at, self._rest = "", 0, b""
        self.skipped = False
        """The log holds more than was read since then."""
        try:
            self.place = find_log(connection)
        except PgmigError as error:
            self.place = LogPlace(why=error.what)

    def read(self) -> list[LogLine]:
        """What was written since the look before. Never raises for the server while the connection stands: then
        `place.why` says it."""
        form = self.place.form
        if form is None:
            return []
        try:
            data = self._more(form)
        except PgmigError as error:
            self.place = replace(self.place, form=None, why=error.what)
            return []
        zone = _zone(self.place.zone)
        found = parse(data.decode("utf-8", "replace"), form, zone, self._database)
        return [one for one in found if one.at >= self._since]

    def _more(self, form: Form) -> bytes:
        """Whole lines that are new, of the file that the server writes now."""
        current = self._connection.one(f"SELECT pg_catalog.pg_current_logfile({literal(form)})")
        path = str(current[0]) if current is not None and current[0] is not None else ""
        if not path:
            return b""
        found = b""
        if self._path and path != self._path:
            found = self._part(self._path) + b"\n"  # what was written before the server went on to another file
            self._at, self._rest = 0, b""
        self._path = path
        size = self._connection.one(f"SELECT (pg_catalog.pg_stat_file({literal(path)}, true)).size")
        length = int(size[0]) if size is not None and size[0] is not None else 0
        if length - self._at <= MOST_BYTES:
            return found + self._part(path)
        self._at, self._rest = length - MOST_BYTES, b""
        tail = self._part(path).partition(b"\n")[2]  # it begins in the middle of a line
        began = _TIME.search(tail.decode("utf-8", "replace"))
        first = _moment(began[0], _zone(self.place.zone)) if began is not None else None
        self.skipped = self.skipped or first is None or first > self._since
        return found + tail

    def _part(self, path: str) -> bytes:
        row = self._connection.one(
            f"SELECT pg_catalog.pg_read_binary_file({literal(path)}, {self._at}, {MOST_BYTES}, true)"
        )
        data = bytes(row[0]) if row is not None and row[0] is not None else b""
        self._at += len(data)
        whole, newline, self._rest = (self._rest + data).rpartition(b"\n")
        return whole + newline


def _zone(name: str) -> ZoneInfo | None:
    """None for a zone that Python doesn't know: nobody can tell then when a line was written."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return None


def parse(text: str, form: Form, zone: ZoneInfo | None, database: str) -> list[LogLine]:
    """The lines that tell of an error in a database, or of none that is named; sessions of ours are left out. Pure."""
    rows: Iterable[tuple[str, str, str, str, str, str]]
    rows = {"jsonlog": _of_json, "csvlog": _of_csv, "stderr": _of_stderr}[form](text)
    found = []
    for at, severity, sqlstate, message, where, application in rows:
        when = _moment(at, zone)
        if when is None or where not in ("", database) or application.startswith(_OURS):
            continue
        kind = _kind(severity, sqlstate, message)
        if kind is not None:
            told = mask_secrets(" ".join(message.split()))[:_LONGEST]
            found.append(LogLine(when, kind, severity, sqlstate, told, application))
    return found


def _kind(severity: str, sqlstate: str, message: str) -> Kind | None:
    """By SQLSTATE where there is one: the words are in the server's language."""
    if sqlstate[:2] in ("00", "01", "02") or (not sqlstate and severity not in _SEVERE):
        return None
    if sqlstate == "40P01" or (not sqlstate and _BY_WORDS[0][0] in message):
        return "deadlock"
    if sqlstate == "57014" or (not sqlstate and _BY_WORDS[1][0] in message):
        return "canceled"
    return "fatal" if severity in ("FATAL", "PANIC") else "error"


def _moment(at: str, zone: ZoneInfo | None) -> float | None:
    """`2026-08-20 03:14:07.123 UTC`: the name of the zone is no more than a name, log_timezone says which it is."""
    if zone is None:
        return None
    day, _, rest = at.partition(" ")
    try:
        local = datetime.fromisoformat(f"{day}T{rest.split(' ')[0]}")
    except ValueError:
        return None
    return local.replace(tzinfo=zone).astimezone(UTC).timestamp()


def _of_json(text: str) -> Iterator[tuple[str, str, str, str, str, str]]:
    for line in text.splitlines():
        try:
            one = json.loads(line)
        except ValueError:
            continue
        if isinstance(one, dict):
            names = ("timestamp", "error_severity", "state_code", "message", "dbname", "application_name")
            at, severity, sqlstate, message, where, application = (str(one.get(name) or "") for name in names)
            yield at, severity, sqlstate, message, where, application


def _of_csv(text: str) -> Iterator[tuple[str, str, str, str, str, str]]:
    reader = csv.reader(io.StringIO(text.replace("\0", "")))
    while True:
        try:
            one = next(reader)
        except StopIteration:
            return
        except csv.Error:
            continue
        if len(one) >= 23:
            yield one[0], one[11], one[12], one[13], one[2], one[22]


def _of_stderr(text: str) -> Iterator[tuple[str, str, str, str, str, str]]:
    """As log_line_prefix is by itself, `%m [%p] `, or begins with a time: which database it was isn't said."""
    for line in text.splitlines():
        if found := _LINE.match(line):
            yield found[1], found[3], "", found[4], "", ""
