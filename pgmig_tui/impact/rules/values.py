"""Values that stand in statements."""

from __future__ import annotations

from pgmig_tui.impact.nodes import Node


def is_null(expression: Node) -> bool:
    """Whether an expression is NULL, perhaps with a type; as a default it is none."""
    inner = expression.type_cast.arg if expression.WhichOneof("node") == "type_cast" else expression
    return inner.WhichOneof("node") == "a_const" and bool(inner.a_const.isnull)
