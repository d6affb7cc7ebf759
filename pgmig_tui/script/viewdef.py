"""The query of a view in one form, whatever version of PostgreSQL has written it down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgmig_tui.script.parse import parse

if TYPE_CHECKING:
    from google.protobuf.message import Message
    from postgast.pg_query_pb2 import Node, SelectStmt


def in_one_form(query: str) -> str:
    """What `pg_get_viewdef` gives, as 16 and later say it; text that can't be read stays as it is.

    Up to 15 every column is written with its relation; since 16 those of the outermost query are not where it reads
    one relation only (ruleutils.c: `varprefix`). Spaces and line breaks are the deparser's.
    """
    import postgast

    parsed = parse(query, 1)
    if parsed.problem is not None or len(parsed.nodes) != 1 or not parsed.nodes[0].HasField("select_stmt"):
        return query
    select = parsed.nodes[0].select_stmt
    name = _only_relation(select)
    if name:
        _unqualify(select, name)
    tree = postgast.pg_query_pb2.ParseResult()
    tree.stmts.add().stmt.select_stmt.CopyFrom(select)
    try:
        return str(postgast.deparse(tree))
    except (postgast.PgQueryError, ValueError):
        return query


def _only_relation(select: SelectStmt) -> str:
    """What the columns of the one relation in FROM are qualified with; "" where there are more, or none."""
    if len(select.from_clause) != 1:
        return ""
    one: Node = select.from_clause[0]
    if one.HasField("range_var"):
        return str(one.range_var.alias.aliasname or one.range_var.relname)
    if one.HasField("range_subselect"):
        return str(one.range_subselect.alias.aliasname)
    return str(one.range_function.alias.aliasname)


def _unqualify(message: Message, name: str) -> None:
    """Inner queries keep theirs: there, every version writes them."""
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        for one in value if field.is_repeated else (value,):
            kind = one.DESCRIPTOR.name
            if kind == "SelectStmt":
                continue
            if kind == "ColumnRef":
                parts = one.fields
                if len(parts) > 1 and parts[0].string.sval == name and parts[1].HasField("string"):
                    del parts[0]
                continue
            _unqualify(one, name)
