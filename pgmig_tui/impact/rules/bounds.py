"""Bounds of partitions: what they are, and whether two of one table overlap (42P17).

Told where all of them are constants of one column. Source: partbounds.c (check_new_partition_bound).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation

from pgmig_tui.impact import nodes
from pgmig_tui.impact.effect import Effect, Scene
from pgmig_tui.impact.facts import Relation
from pgmig_tui.impact.nodes import Node
from pgmig_tui.script.quoting import quote_literal

Bound = tuple[str, tuple[str, ...]]
"""How rows are chosen ("r" range, "l" list, "h" hash, "d" default), and the values; of a range both ends, "-" and "+"
for MINVALUE and MAXVALUE. No values: not known."""
_STRATEGY = {"r": "a range", "l": "a list", "h": "a hash"}


def bound_of(node: Node) -> Bound:
    """The bound that a FOR VALUES says."""
    if node.is_default:
        return "d", ()
    strategy = str(node.strategy)
    if strategy == "r":
        ends = [_end(one) for one in (*node.lowerdatums, *node.upperdatums)]
        one_column = len(node.lowerdatums) == len(node.upperdatums) == 1
        return "r", tuple(end or "" for end in ends) if one_column and None not in ends else ()
    if strategy == "l":
        values = [nodes.constant(one) for one in node.listdatums]
        return "l", tuple(value or "" for value in values) if None not in values else ()
    return "h", (str(node.modulus), str(node.remainder))


def _end(node: Node) -> str | None:
    inner = nodes.open_node(node)
    if nodes.kind(inner) == "PartitionRangeDatum":
        what = nodes.enum_name("PartitionRangeDatumKind", inner.kind)
        return {"PARTITION_RANGE_DATUM_MINVALUE": "-", "PARTITION_RANGE_DATUM_MAXVALUE": "+"}.get(what)
    if nodes.kind(inner) == "ColumnRef":
        word = "".join(nodes.strings(inner.fields)).lower()
        return {"minvalue": "-", "maxvalue": "+"}.get(word)
    return nodes.constant(node)


def bound_text(node: Node) -> str:
    """A bound as text that can be read again, "" for one that isn't of constants."""
    how, values = bound_of(node)
    quoted = [quote_literal(value) for value in values]
    if how == "d":
        return "DEFAULT"
    if how == "h":
        return f"FOR VALUES WITH (MODULUS {values[0]}, REMAINDER {values[1]})"
    if how == "l" and values:
        return f"FOR VALUES IN ({', '.join(quoted)})"
    if how == "r" and values:
        ends = [{"-": "MINVALUE", "+": "MAXVALUE"}.get(value, quote_literal(value)) for value in values]
        return f"FOR VALUES FROM ({ends[0]}) TO ({ends[1]})"
    return ""


def bound_in(text: str) -> Bound:
    """The bound in a text as pg_get_expr gives it."""
    try:
        (tree,) = nodes.parse(f"CREATE TABLE x PARTITION OF y {text}")
    except (nodes.ParseError, ValueError):
        return "", ()
    return bound_of(tree.partbound)


def bounds_refused(scene: Scene, out: Effect, parent: Relation, node: Node) -> None:
    """Why a new partition's bound doesn't fit into its table, if that is so."""
    catalog = scene.catalog
    if not (catalog.live and parent.known and parent.partitioned) or catalog.uncertain:
        return
    strategy, values = mine = bound_of(node)
    others = {name: catalog.known(name) for name in parent.children}
    known = {name: bound_in(one.bound) for name, one in others.items() if one is not None and one.bound}
    used = {how for how, _ in known.values()} - {"d", ""}
    if used and strategy not in (*used, "d"):
        out.fail(f"{parent.name} isn't partitioned by {_STRATEGY[strategy]}", "42P16")
        return
    kinds = [parent.columns.get(name) for name in parent.partition_key]
    kind = kinds[0].type if len(kinds) == 1 and kinds[0] is not None else ""
    if strategy == "r" and values and (values[0] == values[1] or _before(values[1], values[0], kind)):
        out.fail(f"the range of the new partition of {parent.name} is empty", "42P17")
    for name, other in known.items():
        if other[0] == strategy and _overlap(mine, other, kind):
            out.fail(f"the new partition of {parent.name} would overlap {name}", "42P17")


def _overlap(one: Bound, other: Bound, kind: str) -> bool:
    (how, mine), (_, theirs) = one, other
    if not mine or not theirs:
        return False
    if how == "l":
        return bool(set(mine) & set(theirs))
    if how == "h":
        (modulus, remainder), (other_modulus, other_remainder) = (tuple(map(int, pair)) for pair in (mine, theirs))
        small = min(modulus, other_modulus)
        return small > 0 and remainder % small == other_remainder % small
    first, second = _before(mine[0], theirs[1], kind), _before(theirs[0], mine[1], kind)
    return bool(first and second)


def _before(one: str, other: str, kind: str) -> bool | None:
    """Whether a value comes before another one; None where nobody knows."""
    if one == other:
        return False
    if "-" in (one, other) or "+" in (one, other):
        return one == "-" or other == "+"
    if kind in {"int2", "int4", "int8", "numeric"}:
        try:
            return Decimal(one) < Decimal(other)
        except InvalidOperation:
            return None
    if kind in {"date", "timestamp", "timestamptz"}:
        return _earlier(one, other)
    return None


def _earlier(one: str, other: str) -> bool | None:
    """Whether a time comes before another one; None where that hangs on the session's time zone."""
    try:
        first, second = datetime.fromisoformat(one), datetime.fromisoformat(other)
    except ValueError:
        return None
    mixed = (first.tzinfo is None) is not (second.tzinfo is None)
    apart = first.replace(tzinfo=first.tzinfo or UTC) - second.replace(tzinfo=second.tzinfo or UTC)
    if mixed and abs(apart) < _ANY_ZONE:
        return None
    return apart < timedelta(0)


_ANY_ZONE = timedelta(hours=16)
