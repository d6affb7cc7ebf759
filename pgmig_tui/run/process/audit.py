"""What `schema_audit` says of a statement: operation, objects, where it stands, when it ran, how it ended.

Operation and objects are read off the parse tree of what the server got; of a statement that no parser knows, off its
keywords, so that it has a row all the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from pgmig_tui.database.tracking import AuditRow
from pgmig_tui.display.mask import mask_secrets
from pgmig_tui.impact.named import NamedObject, named_in
from pgmig_tui.run.journal.entry import utc
from pgmig_tui.run.process.executor import Executed
from pgmig_tui.script.parse import parse

KEPT = 10_000
"""Characters of a statement that the audit row keeps."""
PARSED = 100_000
"""A longer statement is told by its keywords: rows of data name nothing."""
_OBJECTS = 100
"""So many objects of one statement are kept."""

_COMMENTS = re.compile(r"/\*.*?\*/|--[^\n]*", re.DOTALL)
_NAME = r'((?:"(?:[^"]|"")+"|[\w$]+)(?:\s*\.\s*(?:"(?:[^"]|"")+"|[\w$]+))*)'
_SKIP = r"(?:(?:IF\s+(?:NOT\s+)?EXISTS|ONLY|CONCURRENTLY|INTO|FROM|TABLE)\s+)*"
_DML = {"INSERT", "UPDATE", "DELETE", "MERGE", "COPY", "TRUNCATE", "LOCK"}
_WHOLE = {"DROP OWNED", "REASSIGN OWNED", "ALTER SYSTEM"}


def audit_row(one: Executed, hide: Callable[[str], str], skew: float = 0.0) -> AuditRow:
    """The audit row of what was executed; secrets are masked, and what `hide` takes out. `skew` is what the server's
    clock is ahead of ours, in seconds."""
    sql = hide(one.sql)
    sql = sql if len(sql) <= KEPT else sql[:KEPT] + " …"
    sql = sql.encode("utf-8", "replace").decode()  # bytes of another encoding can't be kept in a UTF-8 text
    operation, object_type, objects = _named(one)
    name = ", ".join(_full(part) for part in objects[0]) or None
    place = f"{one.path}:{one.line}"
    if one.count > 1:
        place += f", {one.count} statements, lines {one.line} to {one.end_line}, {one.rows} rows"
    if one.sqlstate:
        place += f", failed with SQLSTATE {one.sqlstate}"
    return AuditRow(
        operation_type=operation,
        object_type=object_type,
        object_name=name and _kept(hide(name)),
        description=_kept(place),
        sql_statement=mask_secrets(sql),
        performed_at=utc(one.ended, skew),
        started_at=utc(one.ended - one.ms / 1000, skew),
        ms=one.ms,
        file=_kept(one.path),
        line=one.line,
        rows=one.rows,
        sqlstate=one.sqlstate,
        objects=tuple(
            (part.kind, _kept(hide(part.name)), _kept(hide(part.on))) for part in (*objects[0], *objects[1])[:_OBJECTS]
        ),
    )


def _kept(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _full(one: NamedObject) -> str:
    return f"{one.on}.{one.name}" if one.kind == "COLUMN" and one.on else one.name


Objects = tuple[tuple[NamedObject, ...], tuple[NamedObject, ...]]


def _named(one: Executed) -> tuple[str, str | None, Objects]:
    """(operation, kind of the first object, what the statement is about and what it names beside)."""
    words = one.kind.split()
    operation, object_type = words[0], " ".join(words[1:]) or None
    if operation in _DML:
        object_type = "TABLE"
    if one.kind in _WHOLE:
        return one.kind, None, ((), ())
    found = parse(one.sent, 1).nodes if len(one.sent) <= PARSED else ()
    if not found:
        name = _object_name(one.sent, words) if object_type else None
        return operation, object_type, ((NamedObject(object_type, name),) if object_type and name else (), ())
    named = [named_in(node) for node in found]
    first = tuple(part for each in named for part in each.first)
    others = tuple(part for each in named for part in each.others if part not in first)
    if named[0].operation:
        operation = named[0].operation
    return operation, first[0].kind if first else object_type, (first, others)


def _object_name(sql: str, words: list[str]) -> str | None:
    """The name behind the keywords, as written; None where there is none."""
    text = _COMMENTS.sub(" ", sql[:2000])
    keyword = words[-1] if words[-1] != "CONCURRENTLY" else words[-2]
    found = re.search(rf"\b{re.escape(keyword)}\s+{_SKIP}{_NAME}", text, re.IGNORECASE)
    return re.sub(r"\s*\.\s*", ".", found[1]) if found else None
