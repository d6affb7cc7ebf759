"""Which statements reach files and programs of the server's host: what ROLLBACK doesn't undo."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pgmig_tui.impact.nodes import functions_in

if TYPE_CHECKING:
    from postgast import pg_query_pb2

    from pgmig_tui.script.statement import Statement

_FUNCTIONS = frozenset({
    "lo_import", "lo_export", "pg_read_file", "pg_read_binary_file", "pg_ls_dir", "pg_stat_file", "pg_file_write",
    "pg_file_unlink", "pg_file_rename", "pg_file_sync", "pg_logdir_ls", "pg_execute_server_program",
})  # fmt: skip
"""Functions of PostgreSQL and of adminpack that read or write what they are told the path of."""
_COPY = re.compile(r"\bCOPY\b[^;]*?\b(?:FROM|TO)\s+(?:PROGRAM\b|[EU]?&?'|%|\$)", re.IGNORECASE).search
_SUSPECT = re.compile(rf"\b(?:COPY|TABLESPACE|LOAD|{'|'.join(sorted(_FUNCTIONS))})\b", re.IGNORECASE).search
_CALL = re.compile(rf"\b(?:{'|'.join(sorted(_FUNCTIONS))})\s*\(", re.IGNORECASE).search


def outside(statement: Statement) -> str:
    """What of the server's host a statement reaches, in words; "" for nothing that its text shows.

    Of DO only the text is looked at, and a function that is there already isn't looked into.
    """
    text = statement.text
    if not _SUSPECT(text):
        return ""
    if statement.keywords == "DO" or not statement.nodes:
        found = _COPY(text) or _CALL(text)
        return f"files or programs of the server's host ({found[0][:40]})" if found else ""
    return next((what for node in statement.nodes if (what := _outside(node))), "")


def _outside(node: pg_query_pb2.Node) -> str:
    if node.HasField("copy_stmt") and (node.copy_stmt.is_program or node.copy_stmt.filename):
        copy = node.copy_stmt
        return f"the {'program' if copy.is_program else 'file'} {copy.filename!r} of the server's host"
    if node.HasField("create_table_space_stmt") and node.create_table_space_stmt.location:
        return f"the folder {node.create_table_space_stmt.location!r} of the server's host"
    if node.HasField("load_stmt"):
        return f"the library {node.load_stmt.filename!r} of the server's host"
    if node.HasField("create_function_stmt"):
        return ""  # what it does when it is called is another statement's
    named = {name[-1].lower() for name, _ in functions_in(node) if name} & _FUNCTIONS
    return f"files of the server's host ({', '.join(sorted(named))})" if named else ""
