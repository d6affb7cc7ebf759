"""Questions of a project's own to a server: read only, for so long and so many rows at most, told as whom.

The text has been found to be one SELECT, VALUES or SHOW (`script.question`). A function that it calls may still do what
its role may: a question is asked as the role that a deploy logs in as, and that is told.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pgmig_tui.database.checks import utc
from pgmig_tui.database.connect import Connection, ServerError
from pgmig_tui.database.deadline import deadline

if TYPE_CHECKING:
    from pgmig_tui.script.question import Kind

MOST_ROWS = 100
"""Rows that are looked at; whether there are more is told."""
_CELL = 2000
"""Characters of a row, as JSON."""
_CANCELED = "57014"
_GRACE_S = 1
"""How long past its limit an answer is waited for: a function may catch the cancel, and go on for ever."""

Expect = Literal["no rows", "rows", "equals"]


@dataclass(frozen=True, slots=True)
class ServerAnswer:
    """What the server said: rows (as JSON objects), whether there were more, the value of the only column of the only
    row as text, or why there is no answer. Times are UTC by this host's clock."""

    rows: tuple[dict[str, Any], ...] = ()
    more: bool = False
    value: str | None = None
    problem: str = ""
    started_at: str = ""
    finished_at: str = ""
    role: str = ""


def ask(connection: Connection, kind: Kind, sql: str, timeout_ms: int) -> ServerAnswer:
    """Ask in a read-only transaction of its own, which is rolled back. Raises ConnectionLost, also where the server
    doesn't keep the time limit: the session is given up then, and `end_session` is for what it still does."""
    with deadline(connection, timeout_ms / 1000 + _GRACE_S, "the question"):
        return _ask(connection, kind, sql, timeout_ms)


def end_session(connection: Connection, pid: int) -> None:
    """Terminate the server process of a session of ours that was lost, where it still runs. Raises ServerError."""
    connection.execute(
        "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity"
        f" WHERE pid OPERATOR(pg_catalog.=) {pid} AND usename OPERATOR(pg_catalog.=) session_user"
        " AND application_name OPERATOR(pg_catalog.=) pg_catalog.current_setting('application_name')"
    )


def _ask(connection: Connection, kind: Kind, sql: str, timeout_ms: int) -> ServerAnswer:
    started = time.time()
    rows: Sequence[dict[str, Any]] = ()
    value, problem = None, ""
    try:
        connection.execute("BEGIN TRANSACTION READ ONLY")
        connection.execute(f"SELECT pg_catalog.set_config('statement_timeout', '{timeout_ms}', true)")
        if kind == "setting":
            names, found = connection.columns(sql)
            rows = [dict(zip(names, row, strict=True)) for row in found]
            value = str(found[0][0]) if found else None
        else:
            rows, value = _rows(connection, sql)
    except ServerError as error:
        problem = f"the server refused the question: {error.message}"
        if error.sqlstate == _CANCELED:
            problem = f"no answer within {timeout_ms / 1000:g} s"
    finally:
        if not connection.closed:
            connection.execute("ROLLBACK")
    kept = tuple(rows[:MOST_ROWS])
    return ServerAnswer(kept, len(rows) > MOST_ROWS, value, problem, utc(started), utc(time.time()), connection.role)


def _rows(connection: Connection, sql: str) -> tuple[list[dict[str, Any]], str | None]:
    """Rows without what is too long of them: the server cuts both, so that a flood never comes here."""
    bounded = (
        f"SELECT pg_catalog.left(pg_catalog.to_jsonb(q)::text, {_CELL}) FROM (\n{sql}\n) AS q LIMIT {MOST_ROWS + 1}"
    )
    found = connection.execute(bounded)
    rows = [_object(str(text)) for (text,) in found]
    value = None
    if len(rows) == 1 and len(rows[0]) == 1:
        (only,) = rows[0].values()
        value = only if isinstance(only, str) else json.dumps(only)
    return rows, value


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {"row": text}
    return found if isinstance(found, dict) else {"row": text}
