"""What `schema_audit` says of a statement: operation, kind of object, name. By keywords: a statement that was carried
out
needs no second parse, and one that the parser doesn't know has a row all the same."""

from __future__ import annotations

import re
from collections.abc import Callable

from pgmig_tui.database.tracking import AuditRow
from pgmig_tui.display.mask import mask_secrets
from pgmig_tui.run.process.executor import Executed

KEPT = 10_000
"""Characters of a statement that the audit row keeps."""

_COMMENTS = re.compile(r"/\*.*?\*/|--[^\n]*", re.DOTALL)
_NAME = r'((?:"(?:[^"]|"")+"|[\w$]+)(?:\s*\.\s*(?:"(?:[^"]|"")+"|[\w$]+))*)'
_SKIP = r"(?:(?:IF\s+(?:NOT\s+)?EXISTS|ONLY|CONCURRENTLY|INTO|FROM|TABLE)\s+)*"
_DML = {"INSERT", "UPDATE", "DELETE", "MERGE", "COPY", "TRUNCATE", "LOCK"}


def audit_row(one: Executed, hide: Callable[[str], str]) -> AuditRow:
    """The audit row of what was executed; secrets are masked, and what `hide` takes out."""
    words = one.kind.split()
    operation, object_type = words[0], " ".join(words[1:]) or None
    if operation in _DML:
        object_type = "TABLE"
    description = (
        f"{one.count} statements, lines {one.line} to {one.end_line}, {one.rows} rows" if one.count > 1 else None
    )
    sql = hide(one.sql)
    sql = sql if len(sql) <= KEPT else sql[:KEPT] + " …"
    sql = sql.encode("utf-8", "replace").decode()  # bytes of another encoding can't be kept in a UTF-8 text
    return AuditRow(
        operation_type=operation,
        object_type=object_type,
        object_name=_object_name(one.sent if object_type else sql, words),
        description=description,
        sql_statement=mask_secrets(sql),
    )


def _object_name(sql: str, words: list[str]) -> str | None:
    """The name behind the keywords, as written; None where there is none."""
    text = _COMMENTS.sub(" ", sql[:2000])
    keyword = words[-1] if words[-1] != "CONCURRENTLY" else words[-2]
    found = re.search(rf"\b{re.escape(keyword)}\s+{_SKIP}{_NAME}", text, re.IGNORECASE)
    return re.sub(r"\s*\.\s*", ".", found[1]) if found else None
