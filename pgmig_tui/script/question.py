"""Is a text one question to a server: a single SELECT, VALUES or SHOW, and nothing beside it.

A read-only transaction alone is no fence: `COPY … TO PROGRAM` runs in one. So what isn't one of these three by
PostgreSQL's own grammar is never sent.
"""

from __future__ import annotations

from typing import Literal

from pgmig_tui.script.parse import bottomless, parse

Kind = Literal["rows", "setting"]


class NoQuestion(ValueError):
    """The text isn't one; what it is, in words."""


def question_in(sql: str) -> tuple[Kind, str]:
    """The kind of a question (SELECT and VALUES give rows, SHOW a setting), and its text without what ends it. Raises
    NoQuestion."""
    import postgast

    if bottomless(sql):
        raise NoQuestion("it is too long a chain to be looked at")
    found = parse(sql, 1)
    if found.problem is not None:
        raise NoQuestion(f"it can't be read: {found.problem.message} (line {found.problem.line})")
    if len(found.nodes) != 1:
        raise NoQuestion(f"it is {len(found.nodes)} statements, and can be one")
    node = found.nodes[0]
    what = node.WhichOneof("node")
    if what == "variable_show_stmt":
        return "setting", sql
    if what != "select_stmt":
        raise NoQuestion(f"it is no SELECT, VALUES or SHOW ({what.removesuffix('_stmt').replace('_', ' ').upper()})")
    if node.select_stmt.HasField("into_clause"):
        raise NoQuestion("SELECT INTO makes a table")
    for one in node.select_stmt.with_clause.ctes:
        inner = one.common_table_expr.ctequery.WhichOneof("node")
        if inner != "select_stmt":
            raise NoQuestion(f"its WITH holds {inner.removesuffix('_stmt').upper()}, which writes")
    raw = postgast.parse(sql).stmts[0]
    text = sql.encode()[raw.stmt_location :]
    return "rows", (text[: raw.stmt_len] if raw.stmt_len else text).decode().strip().rstrip(";")
