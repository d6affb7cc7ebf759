"""ALTER COLUMN ... TYPE: does the new type need a new table? (ATColumnChangeRequiresRewrite of tablecmds.c)"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, cached_property, lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

from pgmig_tui.impact.effect import Scene
from pgmig_tui.impact.facts import Column, Name
from pgmig_tui.impact.nodes import Node, strings
from pgmig_tui.script.quoting import quote

if TYPE_CHECKING:
    from dataclasses import dataclass as value
else:
    from pgmig_tui.script.values import value

_TEXTS = frozenset({"text", "varchar", "bpchar", "name", "citext"})
_INTERVAL_FULL = 0x7FFF
# Interval fields as bits of the modifier, and how coarse each is (intervaltypmodleastfield of timestamp.c).
_LEAST_FIELDS = ((1 << 12, 0), (1 << 11, 1), (1 << 10, 2), (1 << 3, 3), (1 << 1, 4), (1 << 2, 5))
_DIGITS = {"int2": 5, "int4": 10, "int8": 19}

Pair = tuple[str, str]


@cache
def measured() -> Mapping[str, frozenset[Pair]]:
    """What servers were seen to do from one type to another, both without modifiers.

    "kept": neither table nor indexes get a new file; "kept but for indexes"; "kept at UTC" (but for indexes): where
    that is the session's time zone; "rewritten"; "can be taken back": a cast back gives the same values. A pair that is
    in none of the first four has no cast that the server takes by itself. Made by tests/impact/type_changes.py.
    """
    found: dict[str, set[Pair]] = {}
    text = files("pgmig_tui.impact").joinpath("type_changes.txt").read_text(encoding="utf-8")
    pairs: set[Pair] = set()
    for line in text.splitlines():
        if line.startswith("  "):
            old, _, targets = line.strip().partition(": ")
            pairs.update((old, new) for new in targets.split())
        else:
            pairs = found.setdefault(line.removesuffix(":"), set())
    return {title: frozenset(group) for title, group in found.items()}


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


def type_text(written: TypeName) -> str:
    """A type in words."""
    name = written.name
    name = {"int8": "bigint", "int4": "integer", "int2": "smallint", "bool": "boolean", "bpchar": "char"}.get(
        name, name
    )
    modifiers = f"({', '.join(map(str, written.modifiers))})" if written.modifiers and name != "interval" else ""
    schema = f"{quote(written.schema)}." if written.schema not in {"", "pg_catalog"} else ""
    return f"{schema}{name}{modifiers}{'[]' if written.array else ''}"


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


class TypeChange(NamedTuple):
    """What a new type asks for: a new table ("yes", "no" or "unknown"), and else whether the column's indexes are built
    anew (expressions and predicates always are)."""

    rewrite: str
    indexes: bool = False


def change_of(scene: Scene, old: Column, new: TypeName, using: list[TypeName] | None) -> TypeChange:
    """`using` are the casts of the USING expression, None when it computes something."""
    if using is None:
        return TypeChange("yes")
    found = []
    for step in (*using, new):
        found.append(_cast(scene, old, step))
        old = Column(old.name, _internal(step), step.typmod, step.schema or "pg_catalog")
    verdict = next((one for one in ("yes", "unknown") if any(change.rewrite == one for change in found)), "no")
    return TypeChange(verdict, any(change.indexes for change in found))


def _internal(step: TypeName) -> str:
    return ("_" if step.array else "") + step.name


def _cast(scene: Scene, old: Column, new: TypeName) -> TypeChange:
    if not old.type:
        return TypeChange("unknown")
    if _same_type(scene, old, new):
        return TypeChange("no")
    old_type, old_mod = _flat(scene, old.type_schema, old.type, old.typmod)
    target = _target(scene, new)
    if target is None:
        return TypeChange("unknown")
    new_type, new_mod, constrained = target
    if constrained:
        return TypeChange("yes")
    if old_type == new_type:
        return TypeChange("yes" if _narrows(old_type, old_mod, new_mod) else "no")
    pair = old_type, new_type
    if pair in measured()["kept at UTC"]:  # the function for the new length has the old one's values as they were
        utc = scene.catalog.timezone_is_utc
        if _narrows(new_type, -1, new_mod) or utc is False:
            return TypeChange("yes")
        return TypeChange("no" if utc else "unknown", True)
    # after a cast nothing is known of the old length
    if pair in measured()["kept"] and not _narrows(new_type, -1, new_mod):
        return TypeChange("no")
    if pair in measured()["kept but for indexes"] and not _narrows(new_type, -1, new_mod):
        return TypeChange("no", True)
    return TypeChange("yes")


def _same_type(scene: Scene, old: Column, new: TypeName) -> bool:
    """Whether nothing changes at all, which for a domain with constraints counts, too."""
    fact = scene.catalog.type([new.schema, new.name] if new.schema else [new.name])
    name = fact.name if fact is not None and not new.array else Name(new.schema or old.type_schema, _internal(new))
    return name == Name(old.type_schema, old.type) and new.typmod == old.typmod


def _target(scene: Scene, new: TypeName) -> tuple[str, int, bool] | None:
    """What a type is stored as, with its modifier; and whether it is a domain with constraints. None: not known."""
    fact = scene.catalog.type([new.schema, new.name] if new.schema else [new.name])
    if fact is not None and fact.kind == "d":
        if new.array:
            return f"_{new.name}", -1, False
        return fact.base, fact.base_typmod, fact.constrained
    if fact is None and new.schema not in {"", "pg_catalog"} and not scene.catalog.live:
        return None
    return _internal(new), new.typmod, False


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
        new_precision, old_precision = min(new & 0xFFFF, 6), 6 if old < 0 else min(old & 0xFFFF, 6)
        seconds = _least_field(old) == 0
        return _least_field(new) > _least_field(old) or (seconds and new_precision < old_precision)
    return True


def _least_field(typmod: int) -> int:
    """How coarse the finest field of an interval is, 0 = seconds."""
    fields = _INTERVAL_FULL if typmod < 0 else typmod >> 16
    if fields == _INTERVAL_FULL:
        return 0
    return next((level for bit, level in _LEAST_FIELDS if fields & bit), 0)


def loses_values(scene: Scene, old: Column, new: TypeName, using: Node | None) -> bool:
    """Whether values of the old type may not fit, or not come back: revert loss class 3. `using` is the expression."""
    if using is not None:
        casts = cast_chain(using, old.name)
        if casts is None:
            return not (_same_instant(using, old.name) and _loses_nothing(scene, old, new, zone=False))
        for step in casts:
            if not _loses_nothing(scene, old, step):
                return True
            old = Column(old.name, _internal(step), step.typmod, step.schema or "pg_catalog")
    return not _loses_nothing(scene, old, new)


def _loses_nothing(scene: Scene, old: Column, new: TypeName, *, zone: bool = True) -> bool:
    old_type, old_mod = _flat(scene, old.type_schema, old.type, old.typmod)
    target = _target(scene, new)
    if target is None:
        return False
    new_type, new_mod, _ = target
    if old_type == new_type:
        return not _narrows(old_type.removeprefix("_"), old_mod, new_mod)
    if new_type in {"text", "varchar"} and new_mod < 0 and (old_type, new_type) not in _all_measured():
        return True  # enumerations, and whatever else writes itself out
    pair = old_type.removeprefix("_"), new_type.removeprefix("_")
    if pair == ("timestamptz", "timestamp") and zone and not scene.catalog.timezone_is_utc:
        return False  # an hour of each year comes twice
    if pair != ("json", "jsonb") and pair not in measured()["can be taken back"]:  # blanks and doubles aren't missed
        return False
    return new_mod < 0 or _has_room(pair, old_mod, new_mod)


@cache
def _all_measured() -> frozenset[Pair]:
    return frozenset().union(*(pairs for title, pairs in measured().items() if title != "can be taken back"))


def _has_room(pair: Pair, old: int, new: int) -> bool:
    """Whether the new type's length holds all that the old one could."""
    old_type, new_type = pair
    if new_type == "numeric":
        scale = (new - 4) & 0x7FF
        return ((new - 4) >> 16) - scale >= _DIGITS.get(old_type, 1000)
    if new_type in {"timestamp", "timestamptz"}:
        return old_type == "date" or not _narrows(new_type, old, new)
    if {old_type, new_type} <= _TEXTS or {old_type, new_type} <= {"bit", "varbit"}:
        return 0 <= old <= new
    return False


def _same_instant(using: Node, column: str) -> bool:
    """Whether an expression is the column AT TIME ZONE a constant: between timestamp and timestamptz it keeps all."""
    if using.WhichOneof("node") != "func_call" or strings(using.func_call.funcname)[-1] != "timezone":
        return False
    zone, value = (
        (using.func_call.args[0], using.func_call.args[-1]) if len(using.func_call.args) == 2 else (None, None)
    )
    return zone is not None and zone.WhichOneof("node") == "a_const" and cast_chain(value, column) == []
