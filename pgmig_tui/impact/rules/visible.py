"""Which names in a query are tables: a name in WITH hides the table of that name, but not where it is made itself."""

from __future__ import annotations

from collections.abc import Iterator

from pgmig_tui.impact import nodes
from pgmig_tui.impact.nodes import Node

Hidden = frozenset[str]


def visible(node: Node) -> Iterator[tuple[Node, Hidden]]:
    """Every message below and including `node`, with the names that stand for parts of WITH there.

    Without RECURSIVE a part sees those before it alone: `WITH t AS (SELECT * FROM t)` reads the table.
    """
    stack: list[tuple[Node, Hidden]] = [(node, frozenset())]
    while stack:
        current, hidden = stack.pop()
        if type(current).__name__ == "Node":
            current = nodes.open_node(current)
            if current is None:
                continue
        yield current, hidden
        inner, clause = hidden, None
        if "with_clause" in current.DESCRIPTOR.fields_by_name and nodes.has(current, "with_clause"):
            clause = current.with_clause
            parts = [item.common_table_expr for item in clause.ctes]
            if clause.recursive:
                inner |= {part.ctename for part in parts}
            for part in parts:
                stack.append((part.ctequery, inner))
                inner |= {part.ctename}
        for field, value in current.ListFields():
            if field.name == "with_clause" or type(value) in nodes.SCALARS:
                continue
            if hasattr(value, "ListFields"):
                stack.append((value, inner))
            else:
                stack.extend((one, inner) for one in value)
