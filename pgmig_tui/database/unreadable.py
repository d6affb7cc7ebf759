"""What a person is told when a role may not read one of our own tables."""

from __future__ import annotations

from pgmig_tui.database.connect import Connection, ServerError
from pgmig_tui.database.text import ident
from pgmig_tui.errors import NotPermitted

_DENIED = "42501"


def unreadable(
    error: ServerError, connection: Connection, what: str, schema: str, table: str
) -> ServerError | NotPermitted:
    """`error`, or `what` can't be read and what to grant, where it says that the role may not."""
    if error.sqlstate != _DENIED:
        return error
    to = ident(connection.role)
    return NotPermitted(
        f"{what} can't be read: {error.message}",
        now="Nothing was changed.",
        do=f"Have its owner run: GRANT USAGE ON SCHEMA {ident(schema)} TO {to}; "
        f"GRANT SELECT ON {ident(schema)}.{ident(table)} TO {to};",
    )
