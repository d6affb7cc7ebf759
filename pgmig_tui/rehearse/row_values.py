"""A value of a type as an SQL expression of a row's number. Pure.

Checks are met by trying: a column that one is about gets several kinds of values, those that stand in the check first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from pgmig_tui.database.text import literal
from pgmig_tui.rehearse.row_facts import TypeFacts

Value = Callable[[str], str]
"""From the row's number, an expression of type bigint, to the value."""

_PLAIN: Final[dict[str, str]] = {
    "bool": "({n} % 2 = 0)",
    "int2": "({n} % 30000)::int2",
    "int4": "({n} % 2000000000)::int4",
    "int8": "{n}",
    "float4": "({n} / 4.0)::float4",
    "float8": "({n} / 4.0)::float8",
    "money": "({n})::money",
    "oid": "({n})::oid",
    "date": "('2020-01-01'::date + ({n} % 20000)::int4)",
    "timestamp": "('2020-01-01'::timestamp + {n} * interval '1 minute')",
    "timestamptz": "('2020-01-01Z'::timestamptz + {n} * interval '1 minute')",
    "time": "('00:00'::time + ({n} % 86400) * interval '1 second')",
    "timetz": "('00:00Z'::timetz + ({n} % 86400) * interval '1 second')",
    "interval": "({n} * interval '1 minute')",
    "uuid": "md5({n}::text)::uuid",
    "json": "json_build_object('n', {n})",
    "jsonb": "jsonb_build_object('n', {n})",
    "jsonpath": "'$.n'::jsonpath",
    "bytea": "decode(md5({n}::text), 'hex')",
    "inet": "('10.0.0.0'::inet + {n} % 16000000)",
    "cidr": "set_masklen('10.0.0.0'::inet + {n} % 16000000, 32)::cidr",
    "macaddr": "('0800' || lpad(to_hex({n} % 4000000000), 8, '0'))::macaddr",
    "macaddr8": "('08000000' || lpad(to_hex({n} % 4000000000), 8, '0'))::macaddr8",
    "bit": "({n})::bit(64)",
    "varbit": "({n})::bit(64)::varbit",
    "tsvector": "to_tsvector('simple', 'word' || {n})",
    "tsquery": "to_tsquery('simple', 'word' || {n})",
    "point": "point({n}, {n})",
    "lseg": "lseg(point({n}, 0), point({n}, 1))",
    "line": "line(point({n}, 0), point({n}, 1))",
    "box": "box(point({n}, 0), point({n} + 1, 1))",
    "path": "path(polygon(box(point({n}, 0), point({n} + 1, 1))))",
    "polygon": "polygon(box(point({n}, 0), point({n} + 1, 1)))",
    "circle": "circle(point({n}, 0), 1)",
    "pg_lsn": "('0/' || to_hex({n} % 4000000000))::pg_lsn",
    "xml": "('<n>' || {n} || '</n>')::xml",
    "char": 'chr((97 + {n} % 26)::int4)::"char"',
    "regclass": "'pg_catalog.pg_class'::regclass",
    "int4multirange": "int4multirange(int4range(({n} % 2000000000)::int4, ({n} % 2000000000)::int4, '[]'))",
    "int8multirange": "int8multirange(int8range({n}, {n}, '[]'))",
    "nummultirange": "nummultirange(numrange({n}, {n} + 0.5))",
    "datemultirange": "datemultirange(daterange('2020-01-01'::date, '2020-01-02'::date + ({n} % 20000)::int4))",
    "tsmultirange": "tsmultirange(tsrange('2020-01-01', '2020-01-02'::timestamp + {n} * interval '1 minute'))",
    "tstzmultirange": "tstzmultirange(tstzrange('2020-01-01', '2020-01-02'::timestamptz + {n} * interval '1 minute'))",
}
_NUMBERS = frozenset({"int2", "int4", "int8", "numeric", "float4", "float8", "money"})
_DAYS = frozenset({"date", "timestamp", "timestamptz"})
_TEXT = re.compile(r"'((?:[^']|'')*)'")
_NUMBER = re.compile(r"(?<![\w.'])-?\d+(?:\.\d+)?(?![\w.])|'(-?\d+(?:\.\d+)?)'")
_DAY = re.compile(r"'(\d{4}-\d\d-\d\d[^']*)'")
_MODIFIERS = re.compile(r"\((\d+)(?:,(-?\d+))?\)")
_LONGEST = 200
_MOST = 24
"""Kinds of values that one column gets at most."""


def value(type_oid: int, type_name: str, types: Mapping[int, TypeFacts], label: str = "value") -> Value | None:
    """A value of that type for each number, other ones for others as far as the type has them; None for a type that
    isn't known here. `label` stands in texts."""
    facts = types[type_oid]
    if facts.kind == "d":
        return value(facts.base, facts.base_name, types, label)
    if facts.kind == "e":
        return _label_of(facts)
    if facts.category == "A" and facts.element:
        return _array(facts, types, label)
    if facts.kind == "r" and facts.subtype:
        bound = value(facts.subtype, types[facts.subtype].name, types, label)
        return None if bound is None else lambda n: f"{facts.name}({bound(n)}, {bound(n)}, '[]')"
    if facts.plain == "numeric":
        return _numeric(type_name)
    if facts.category == "S" or facts.plain in ("text", "varchar", "bpchar", "name"):
        return _text(type_name, label)
    if facts.plain in ("bit", "varbit"):
        return lambda n: f"({n})::bit(64)::{type_name}"
    form = _PLAIN.get(facts.plain)
    return None if form is None else lambda n: form.format(n=f"({n})")


def values(
    type_oid: int, type_name: str, types: Mapping[int, TypeFacts], label: str, checks: Iterable[str]
) -> list[Value]:
    """Several kinds of values of that type, made after what stands in the checks; none for a type that isn't known."""
    plain = value(type_oid, type_name, types, label)
    if plain is None:
        return []
    texts = list(checks)
    if not texts:
        return [plain]
    base, name = type_oid, type_name
    while types[base].kind == "d":
        base, name = types[base].base, types[base].base_name
    facts = types[base]
    found: list[Value] = [plain]
    whole = " ".join(texts)
    if facts.plain in _NUMBERS:
        found += _numbers(name, whole)
    elif facts.plain in _DAYS:
        found += _days(facts.plain, whole)
    elif facts.category == "S":
        found += _texts(name, whole)
    elif facts.plain in ("json", "jsonb"):
        found += [_always(f"{literal(one)}::{facts.plain}") for one in ("[]", "{}", '"text"', "1", "true")]
    elif facts.plain == "bool":
        found += [_always("true"), _always("false")]
    elif facts.plain == "interval":
        found += [_always("interval '0'"), _always("interval '-1 day'")]
    elif facts.category == "A":
        found += [_always(f"'{{}}'::{name}")]
    return found[:_MOST]


def _always(text: str) -> Value:
    return lambda n: text


def _label_of(facts: TypeFacts) -> Value | None:
    if not facts.labels:
        return None
    every = ", ".join(literal(one) for one in facts.labels)
    return lambda n: f"(ARRAY[{every}])[1 + ({n}) % {len(facts.labels)}]::{facts.name}"


def _array(facts: TypeFacts, types: Mapping[int, TypeFacts], label: str) -> Value | None:
    element = value(facts.element, types[facts.element].name, types, label)
    return None if element is None else lambda n: f"ARRAY[{element(n)}]::{facts.name}"


def _numeric(type_name: str) -> Value:
    found = _MODIFIERS.search(type_name)
    if found is None:
        return lambda n: f"({n})::numeric"
    digits = int(found[1]) - int(found[2] or 0)
    return lambda n: f"(({n}) % {10 ** max(0, min(digits, 17))})::{type_name}"


def _text(type_name: str, label: str) -> Value:
    found = _MODIFIERS.search(type_name)
    length = int(found[1]) if found else 0
    start = literal(f"{label} ")
    if not length or length >= len(label) + 12:
        return lambda n: f"({start} || ({n}))::{type_name}"
    # What differs from row to row is at the end.
    return lambda n: f"right(lpad(to_hex({n}), {length}, '0'), {length})::{type_name}"


def _numbers(name: str, checks: str) -> list[Value]:
    told = list(dict.fromkeys(one[1] or one[0] for one in _NUMBER.finditer(checks)))[:6]
    found: list[Value] = [_always(f"({form})::{name}") for one in told for form in (one, f"{one} + 1", f"{one} - 1")]
    found += [_from(f"({one} {sign} ({{n}}) % 9)::{name}") for one in told[:2] for sign in "+-"]
    return [
        *found,
        _always(f"0::{name}"),
        _from(f"(-(({{n}}) % 100))::{name}"),
        _from(f"(({{n}}) % 10 / 10.0)::{name}"),
    ]


def _days(plain: str, checks: str) -> list[Value]:
    told = list(dict.fromkeys(one[1] for one in _DAY.finditer(checks)))[:6]
    found: list[Value] = []
    for one in told:
        day = f"{literal(one)}::{plain}"
        found += [_always(day), _from(f"({day} + (({{n}}) % 20) * interval '1 day')::{plain}")]
        found += [_from(f"({day} - (1 + ({{n}}) % 20) * interval '1 day')::{plain}")]
    today = f"now()::{plain}"
    return [
        *found,
        _from(f"({today} - (({{n}}) % 1000) * interval '1 day')::{plain}"),
        _from(f"({today} + (1 + ({{n}}) % 1000) * interval '1 day')::{plain}"),
    ]


def _texts(name: str, checks: str) -> list[Value]:
    told = list(dict.fromkeys(one[1].replace("''", "'") for one in _TEXT.finditer(checks)))[:8]
    lengths = [int(one[0]) for one in re.finditer(r"\d+", checks) if 0 < int(one[0]) <= _LONGEST]
    found: list[Value] = [_always(f"{literal(one)}::{name}") for one in told if not re.search(r"[\[^$%\\]", one)]
    for length in list(dict.fromkeys(lengths))[:3]:
        letters = f"left(repeat(translate(md5(({{n}})::text), '0123456789', 'ghijklmnop'), 8), {length})"
        found += [_from(f"upper({letters})::{name}"), _from(f"{letters}::{name}")]
        found.append(_from(f"right(lpad(({{n}})::text, {length}, '0'), {length})::{name}"))
    letters = "translate(md5(({n})::text), '0123456789', 'ghijklmnop')"
    return [
        *found,
        _from(f"({letters} || '@example.com')::{name}"),
        _from(f"('https://example.com/' || {letters})::{name}"),
        _from(f"{letters}::{name}"),
        _from(f"upper({letters})::{name}"),
        _from(f"(({{n}})::text)::{name}"),
        _from(f"('+47' || lpad(({{n}} % 100000000)::text, 8, '0'))::{name}"),
        _from(f"md5(({{n}})::text)::{name}"),
        _always(f"''::{name}"),
    ]


def _from(form: str) -> Value:
    return lambda n: form.replace("{n}", n)
