"""ALTER COLUMN ... TYPE: does the new type need a new table? (ATColumnChangeRequiresRewrite of tablecmds.c)"""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from pgmig_tui.impact.effect import Scene
from pgmig_tui.impact.facts import Column
from pgmig_tui.impact.nodes import Node, strings

if TYPE_CHECKING:
    from dataclasses import dataclass as value
else:
    from pgmig_tui.script.values import value

# Binary coercible pairs of pg_cast (castmethod 'b') that occur in practice.
_TEXTS = frozenset({"text", "varchar"})
_BINARY = {
    ("int4", "oid"),
    ("int4", "regclass"),
    ("int4", "regproc"),
    ("int4", "regtype"),
    ("oid", "int4"),
    ("oid", "regclass"),
    ("regclass", "oid"),
    ("oid", "regproc"),
    ("oid", "regtype"),
    ("bit", "varbit"),
    ("varbit", "bit"),
    ("xml", "text"),
    ("xml", "varchar"),
    ("xml", "bpchar"),
    ("cidr", "inet"),
}
_INTERVAL_FULL = 0x7FFF


@value(frozen=True)
class TypeName:
    """A type as written: internal name, schema ("" = by the search path), modifiers, array."""

    schema: str
    name: str
    modifiers: tuple[int, ...] = ()
    array: bool = False
    setof: bool = False

    @cached_property
    def typmod(self) -> int:
        """As pg_attribute.atttypmod would hold it; -1 = none."""
        mods = self.modifiers
        if self.name in {"varchar", "bpchar"}:
            return mods[0] + 4 if mods else -1
        if self.name in {"bit", "varbit"}:
            return mods[0] if mods else -1
        if self.name == "numeric":
            scale = mods[1] if len(mods) > 1 else 0
            return ((mods[0] << 16) | (scale & 0x7FF)) + 4 if mods else -1
        if self.name in {"timestamp", "timestamptz", "time", "timetz"}:
            return mods[0] if mods else -1
        if self.name == "interval":
            if not mods:
                return -1
            precision = mods[1] if len(mods) > 1 else 0xFFFF
            return (mods[0] << 16) | precision
        return mods[0] if mods else -1


def type_name(node: Node) -> TypeName:
    """A TypeName message as a value."""
    parts = strings(node.names)
    mods: tuple[int, ...] = ()
    if node.typmods:
        mods = tuple([int(item.a_const.ival.ival) for item in node.typmods if item.WhichOneof("node") == "a_const"])
    schema = parts[-2] if len(parts) > 1 else ""
    return _type_name(schema, parts[-1] if parts else "", mods, bool(node.array_bounds), bool(node.setof))


@lru_cache(maxsize=1000)
def _type_name(schema: str, name: str, mods: tuple[int, ...], array: bool, setof: bool) -> TypeName:
    """A few types are written again and again."""
    return TypeName(schema, name, mods, array, setof)


def cast_chain(expression: Node, column: str) -> list[TypeName] | None:
    """The types that a USING expression casts the bare column to, in turn; None when it is more than that."""
    which = expression.WhichOneof("node")
    if which == "column_ref":
        fields = strings(expression.column_ref.fields)
        return [] if fields and fields[-1] == column else None
    if which == "type_cast":
        inner = cast_chain(expression.type_cast.arg, column)
        return None if inner is None else [*inner, type_name(expression.type_cast.type_name)]
    return None


def needs_rewrite(scene: Scene, old: Column, new: TypeName, using: list[TypeName] | None) -> str:
    """ "yes", "no" or "unknown". `using` are the casts of the USING expression, None when it computes something."""
    if using is None:
        return "yes"
    verdicts = []
    for step in (*using, new):
        verdicts.append(_cast(scene, old, step))
        internal = ("_" if step.array else "") + step.name
        old = Column(old.name, internal, step.typmod, step.schema or "pg_catalog")
    return next((verdict for verdict in ("yes", "unknown") if verdict in verdicts), "no")


def _cast(scene: Scene, old: Column, new: TypeName) -> str:
    if not old.type:
        return "unknown"
    old_type, old_mod = _flat(scene, old.type_schema, old.type, old.typmod)
    fact = scene.catalog.type([new.schema, new.name] if new.schema else [new.name])
    new_type, new_mod = ("_" + new.name if new.array else new.name), new.typmod
    if fact is not None and fact.kind == "d":
        if fact.constrained:
            return "yes"
        new_type, new_mod = fact.base, fact.base_typmod
    elif fact is None and new.schema not in {"", "pg_catalog"} and not scene.catalog.live:
        return "unknown"
    if old_type == new_type:
        return "yes" if _narrows(old_type, old_mod, new_mod) else "no"
    if {old_type, new_type} == {"timestamp", "timestamptz"}:
        if _narrows(old_type, old_mod, new_mod):
            return "yes"
        utc = scene.catalog.timezone_is_utc
        return "unknown" if utc is None else ("no" if utc else "yes")
    if {old_type, new_type} <= _TEXTS:
        return "no" if new_type == "text" or new_mod < 0 else "yes"
    if (old_type, new_type) in _BINARY:
        return "no" if new_mod < 0 or new_mod == old_mod else "yes"
    return "yes"


def _flat(scene: Scene, schema: str, name: str, typmod: int) -> tuple[str, int]:
    """Domains are stored as their base type; the cast from one does not know its length (parse_coerce.c)."""
    fact = scene.catalog.type([schema, name])
    return (fact.base, -1) if fact is not None and fact.kind == "d" else (name, typmod)


def _narrows(kind: str, old: int, new: int) -> bool:
    """Whether the length coercion from one modifier to the other has work to do (prosupport functions)."""
    if new < 0 or new == old:
        return False
    if kind in {"varchar", "varbit"}:
        return old < 0 or new < old
    if kind == "numeric":
        if old < 0:
            return True
        old_scale, new_scale = (old - 4) & 0x7FF, (new - 4) & 0x7FF
        return old_scale != new_scale or (new - 4) >> 16 < (old - 4) >> 16
    if kind in {"timestamp", "timestamptz", "time", "timetz"}:
        return new < (6 if old < 0 else old) and new < 6
    if kind == "interval":
        new_precision, old_precision = new & 0xFFFF, 0xFFFF if old < 0 else old & 0xFFFF
        new_fields, old_fields = new >> 16, _INTERVAL_FULL if old < 0 else old >> 16
        coarser = new_fields not in {_INTERVAL_FULL, old_fields}
        return coarser or (new_precision < 6 and new_precision < min(old_precision, 6))
    return True


def narrows_values(old: Column, new: TypeName) -> bool:
    """Whether values of the old type may not fit, or not come back: revert loss class 3."""
    order = ["int2", "int4", "int8", "numeric"]
    if old.type in order and new.name in order:
        return order.index(new.name) < order.index(old.type) or (
            old.type == "numeric" == new.name and _narrows("numeric", old.typmod, new.typmod)
        )
    if old.type == new.name:
        return _narrows(old.type, old.typmod, new.typmod)
    widening = {("varchar", "text"), ("bpchar", "text"), ("float4", "float8"), ("json", "jsonb"), ("date", "timestamp")}
    if new.name in {"text", "varchar"} and new.typmod < 0:
        return False
    return (old.type, new.name) not in widening
