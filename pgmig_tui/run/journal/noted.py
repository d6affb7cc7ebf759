"""The schema before a deploy, noted in its folder so that a rollback can be compared with it, where that is cheap."""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.database.fingerprint import digest, read_objects
from pgmig_tui.errors import PgmigError
from pgmig_tui.run.journal import private
from pgmig_tui.run.journal.events import SchemaNoted

if TYPE_CHECKING:
    from pgmig_tui.database.connect import Connection
    from pgmig_tui.database.fingerprint import Objects
    from pgmig_tui.run.journal.file import JournalWriter

_FILE = "schema-before.json"
_FORM = 2
"""Of the rows of `fingerprint.sql`. What an earlier version has noted can't be compared with what is read now."""
_HASHED = "\0sha256:"
_AFFECTED = "affected.json"
_TIMEOUT = "1500ms"
"""A schema that takes longer to read isn't noted: nobody waits for that before a deploy."""


def note_schema(folder: Path, connection: Connection, journal: JournalWriter) -> str:
    """Read the schema through `connection` (a control session, no transaction open) and keep it; of an object that
    holds what no record may hold, a hash alone. Returns its digest. Never raises for the server: then the journal says
    why, and it is "".
    """
    start = time.perf_counter()
    try:
        connection.execute(f"SET statement_timeout = '{_TIMEOUT}'")
        try:
            objects = read_objects(connection)
        finally:
            if not connection.closed:
                connection.execute("SET statement_timeout = 0")
    except PgmigError as error:
        journal.write(SchemaNoted(objects=None, why=error.what))
        return ""
    rows = [[*key, text if journal.hide(text) == text else _hashed(text)] for key, text in objects.items()]
    private.write(folder / _FILE, json.dumps({"form": _FORM, "objects": rows}))
    ms = round((time.perf_counter() - start) * 1000, 1)
    found = digest(objects)
    journal.write(SchemaNoted(objects=len(objects), digest=found, ms=ms))
    return found


def read_noted(folder: Path) -> Objects | None:
    """What was noted; None where nothing was, or by a version that wrote it in another form."""
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        noted = json.loads((folder / _FILE).read_text(encoding="utf-8"))
        if noted["form"] == _FORM:
            return {(kind, name): text for kind, name, text in noted["objects"]}
    return None


def _hashed(text: str) -> str:
    return _HASHED + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def not_kept(text: str) -> bool:
    """Whether only a hash was kept of a definition."""
    return text.startswith(_HASHED)


def as_now(noted: Objects, now: Objects) -> Objects:
    """What was noted, with the definition of today where only its hash was kept and that is the same."""
    same = {key for key, text in noted.items() if not_kept(text) and key in now and _hashed(now[key]) == text}
    return {key: now[key] if key in same else text for key, text in noted.items()}


def note_affected(folder: Path, names: Iterable[tuple[str, str]]) -> None:
    """Keep (schema, name) of the relations that a run locks, as its review knows them: afterwards, what was dropped
    can't be asked for any more. Without room nothing is kept."""
    with contextlib.suppress(OSError):
        private.replace(folder / _AFFECTED, json.dumps(sorted(set(names))))


def read_affected(folder: Path) -> list[tuple[str, str]]:
    """What was kept; nothing where nothing was."""
    with contextlib.suppress(OSError, ValueError, TypeError):
        return [(str(schema), str(name)) for schema, name in json.loads((folder / _AFFECTED).read_text("utf-8"))]
    return []
