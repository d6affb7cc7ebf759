"""What is no step of a run, and has a row in the tracking tables all the same: backfills, undos, marks that are
lifted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pgmig_tui.database.connect import Connection
from pgmig_tui.database.tracking import read_tracking
from pgmig_tui.database.tracking_rows import ALONE_SQL, AuditRow, Migration, tracking_sql
from pgmig_tui.errors import PgmigError

if TYPE_CHECKING:
    from pgmig_tui.project.project import Operator


def record_deed(
    connection: Connection,
    schema: str | None,
    deed: Migration,
    statements: Sequence[AuditRow],
    operator: Operator,
    registry: str = "sqitch",
    *,
    inside: bool = False,
) -> str:
    """Write its row where there are tables and this role may, on a session that may write. `inside`: as a part of the
    transaction that is open, which goes on whatever becomes of the row. Nothing is created for it. Returns why there is
    no row, "" where there is one, or no table for one; raises nothing but the loss of the connection."""
    if schema is None:
        return ""
    try:
        found = read_tracking(connection, schema, registry)
        if found.creates in ("schema", "tables"):
            return ""
        if found.schema is None:
            return found.reason
        if inside:
            connection.execute("SAVEPOINT pgmig_deed")
        try:
            sql = tracking_sql(schema, deed, statements, operator, found.version)
            connection.execute(sql if inside else f"{ALONE_SQL}; {sql}")
        except PgmigError:
            if inside and not connection.closed:
                connection.execute("ROLLBACK TO SAVEPOINT pgmig_deed")
            raise
    except PgmigError as error:
        if connection.closed:
            raise
        return error.what
    return ""
