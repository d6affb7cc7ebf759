"""What UPDATE, DELETE and the like take from rows that are there: which values no script brings back."""

from __future__ import annotations

from collections.abc import Iterable

from pgmig_tui.impact import nodes
from pgmig_tui.impact.effect import Effect, Scene
from pgmig_tui.impact.facts import Relation
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.result import LostData


def overwritten(targets: Iterable[Node], where: Node | None, called: frozenset[str]) -> frozenset[str]:
    """The columns whose values go when rows get these targets, `where` says which. A column that is empty before
    (`c IS NULL` must hold), that keeps its value (`c = coalesce(c, …)`) or gets it again loses nothing. `called` are
    the names of the table in the statement."""
    empty = _empty_where(where, called)
    return frozenset(
        target.name
        for item in targets
        if (target := item.res_target).name not in empty and (target.indirection or not _keeps(target, called))
    )


def _empty_where(where: Node | None, called: frozenset[str]) -> set[str]:
    """Columns that are NULL in every row that a condition lets through."""
    if where is None:
        return set()
    which = where.WhichOneof("node")
    if which == "bool_expr" and nodes.enum_name("BoolExprType", where.bool_expr.boolop) == "AND_EXPR":
        return {name for arm in where.bool_expr.args for name in _empty_where(arm, called)}
    if which == "null_test" and nodes.enum_name("NullTestType", where.null_test.nulltesttype) == "IS_NULL":
        name = _column(where.null_test.arg, called)
        return {name} if name else set()
    return set()


def _keeps(target: Node, called: frozenset[str]) -> bool:
    """Whether a column gets its own value, at least where it has one."""
    value = target.val
    if value.WhichOneof("node") == "coalesce_expr" and value.coalesce_expr.args:
        value = value.coalesce_expr.args[0]
    return bool(_column(value, called) == target.name)


def _column(node: Node, called: frozenset[str]) -> str:
    """The name of a column of the table itself, "" for anything else."""
    if node.WhichOneof("node") != "column_ref":
        return ""
    fields = node.column_ref.fields
    if any(field.WhichOneof("node") != "string" for field in fields):
        return ""
    parts = nodes.strings(fields)
    return parts[-1] if len(parts) == 1 or (len(parts) == 2 and parts[0] in called) else ""


def names_of_target(relation: Node) -> frozenset[str]:
    """By which names a statement's own columns may be called: its alias hides the table's name."""
    alias = relation.alias.aliasname if nodes.has(relation, "alias") else ""
    return frozenset({alias or relation.relname})


def take(scene: Scene, out: Effect, table: Relation, verb: str, columns: frozenset[str] | None, *, whole: bool) -> None:
    """Write down what an UPDATE of `columns` (None = any) or a DELETE takes from a table and what is below it; `whole`:
    of every row. What the scripts themselves have made holds nothing that was there before."""
    members = [member for member in scene.catalog.tree(table.name) if not member.fresh and member.kind not in "vSc"]
    if not members or (verb == "UPDATE" and columns is not None and not columns):
        return
    # one name for all of it, but for what the script has put below a table of its own
    for one in [table] if not table.fresh else members:
        if verb == "DELETE":
            out.lose(4, f"{'all rows' if whole else 'rows'} of {one.name}", LostData("rows", one.name), sure=whole)
            continue
        changed = None if columns is None else {name for name in columns if not _is_fresh(one, name)}
        if changed is None:
            out.lose(4, f"old values in {one.name}", LostData("rows", one.name), sure=whole)
        elif changed:
            told = tuple(sorted(changed))
            out.lose(
                4, f"old values of {', '.join(told)} in {one.name}", LostData("values", one.name, told), sure=whole
            )


def _is_fresh(table: Relation, column: str) -> bool:
    known = table.columns.get(column)
    return known is not None and known.fresh
