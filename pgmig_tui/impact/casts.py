"""Does a value of one type become another type's by itself? ALTER COLUMN … TYPE without USING needs that.

Source: pg_cast of 13 to 18 (contexts i and a), and parse_coerce.c for what goes through text (to a string type by
itself, from one never). Types that users made aren't judged.
"""

from __future__ import annotations

_STRINGS = frozenset({"text", "varchar", "bpchar", "name"})
_NUMBERS = frozenset({"int2", "int4", "int8", "numeric", "float4", "float8"})
_TIMES = {
    "date": {"timestamp", "timestamptz"},
    "timestamp": {"date", "time", "timestamptz"},
    "timestamptz": {"date", "time", "timetz", "timestamp"},
    "time": {"interval", "timetz"},
    "timetz": {"time"},
    "interval": {"time"},
}
_OTHERS = {
    "int4": {"money", "oid", "regclass", "regproc", "regtype", "regrole", "regnamespace"},
    "int8": {"money", "oid", "regclass", "regproc", "regtype", "regrole", "regnamespace"},
    "int2": {"oid", "regclass", "regproc", "regtype", "regrole", "regnamespace"},
    "numeric": {"money"},
    "money": {"numeric"},
    "oid": {"int4", "int8", "regclass", "regproc", "regtype", "regrole", "regnamespace"},
    "regclass": {"oid", "int4", "int8"},
    "json": {"jsonb"},
    "jsonb": {"json"},
    "cidr": {"inet"},
    "inet": {"cidr"},
    "bit": {"varbit"},
    "varbit": {"bit"},
    "macaddr": {"macaddr8"},
    "macaddr8": {"macaddr"},
}
_SIMPLE = frozenset(
    {*_STRINGS, *_NUMBERS, *_TIMES, *_OTHERS, "bool", "uuid", "bytea", "xml", "tsvector", "tsquery", "char", "point",
     "box", "circle", "polygon", "lseg", "path", "line"}
)  # fmt: skip
_RANGES = frozenset({"int4range", "int8range", "numrange", "tsrange", "tstzrange", "daterange"})
_UNSURE = frozenset({"char", "point", "box", "circle", "polygon", "lseg", "path", "line", "xml"})


def assignable(old: str, new: str) -> bool | None:
    """Whether a column of type `old` (internal names) becomes one of type `new` without USING; None = not known."""
    if old == new:
        return True
    if old.startswith("_") and new.startswith("_"):
        return assignable(old[1:], new[1:])
    if old.startswith("_") or new.startswith("_"):
        return None if "" in (old, new) else (True if new in _STRINGS and old[1:] in _SIMPLE else None)
    if old in _RANGES and new in _RANGES:
        return False
    if old not in _SIMPLE or new not in _SIMPLE or old in _UNSURE or new in _UNSURE:
        return None
    if new in _STRINGS:
        return True
    if old in _STRINGS:
        return False
    if old in _NUMBERS and new in _NUMBERS:
        return True
    return new in _TIMES.get(old, ()) or new in _OTHERS.get(old, ())


def comparable(one: str, other: str) -> bool | None:
    """Whether values of two types (internal names) are compared by an "=" that is found by itself, as a foreign key
    wants it; None = not known."""
    if one == other:
        return True
    if one not in _SIMPLE or other not in _SIMPLE or one in _UNSURE or other in _UNSURE:
        return None
    for group in (_STRINGS, _NUMBERS, frozenset({"date", "timestamp", "timestamptz"})):
        if (one in group) and (other in group):
            return True
    sure = (_STRINGS, _NUMBERS, frozenset(_TIMES), frozenset({"uuid"}), frozenset({"bool"}), frozenset({"bytea"}))
    groups = [next((number for number, group in enumerate(sure) if kind in group), None) for kind in (one, other)]
    return None if None in groups or groups[0] == groups[1] else False
