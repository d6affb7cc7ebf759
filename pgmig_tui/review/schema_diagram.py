"""A schema's tables and foreign keys as a Mermaid `erDiagram`: its source, as text.

Source: Mermaid 11, "Entity Relationship Diagrams". Names are quoted and hold letters, digits, `_`, `.`, `-` and blanks
alone; types and columns are words of Mermaid's grammar. A drawing that nobody can read helps nobody: keys alone are
drawn, and of a large schema the tables with most foreign keys (Mermaid itself ends at 500 lines between tables).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pgmig_tui.database.described import ToldColumn, ToldConstraint, ToldRelation

MOST_TABLES = 60
_MOST_LINES = 300
_TABLES = ("r", "p", "f")
_KEYS = frozenset({"pk", "fk", "uk"})
"""Words that Mermaid takes for marks where a column's name stands."""
Name = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Diagram:
    """`lines` of Mermaid; `tables` are drawn of `all_tables`."""

    lines: tuple[str, ...]
    tables: int
    all_tables: int


def diagram(relations: Iterable[ToldRelation]) -> Diagram | None:
    """The tables of one schema, with the tables elsewhere that they refer to; None where there is nothing to draw."""
    tables = [one for one in relations if one.kind in _TABLES]
    if not tables:
        return None
    drawn = _drawn(tables)
    chosen = {(one.schema, one.name) for one in drawn}
    links = [
        (one, key, key.refers)
        for one in drawn
        for key in one.constraints
        if key.kind == "f" and key.refers is not None and (key.refers in chosen or key.refers[0] != one.schema)
    ][:_MOST_LINES]
    names = _unique([*sorted(chosen), *sorted({to for _, _, to in links} - chosen)])
    lines = ["erDiagram"]
    for one in drawn:
        lines += _entity(one, names[one.schema, one.name])
    lines += [_link(one, key, names[one.schema, one.name], names[to]) for one, key, to in links]
    return Diagram(tuple(lines), len(drawn), len(tables))


def _drawn(tables: list[ToldRelation]) -> list[ToldRelation]:
    if len(tables) <= MOST_TABLES:
        return tables
    ends: Counter[Name] = Counter()
    for one in tables:
        for key in one.constraints:
            if key.refers is not None:
                ends.update([(one.schema, one.name), key.refers])
    most = sorted(tables, key=lambda one: (-ends[one.schema, one.name], one.name))[:MOST_TABLES]
    return sorted(most, key=lambda one: one.name)


def _unique(names: Iterable[Name]) -> dict[Name, str]:
    """What stands for each name in the diagram: no two are alike."""
    found: dict[Name, str] = {}
    taken: Counter[str] = Counter()
    for name in names:
        clean = re.sub(r"[^\w .-]", "_", ".".join(name))
        taken[clean] += 1
        while taken[clean] > 1:
            clean = f"{clean} {taken[clean]}"
            taken[clean] += 1
        found[name] = f'"{clean}"'
    return found


def _entity(table: ToldRelation, name: str) -> Iterator[str]:
    keys = dict(_marks(table.constraints))
    rows = [
        f"        {_word(one.type)} {_word(one.name)} {keys[one.name]}" for one in table.columns if one.name in keys
    ]
    if not rows:
        yield f"    {name}"
        return
    yield f"    {name} {{"
    yield from rows
    yield "    }"


def _marks(constraints: Iterable[ToldConstraint]) -> Iterator[tuple[str, str]]:
    found: dict[str, list[str]] = {}
    for kind, mark in (("p", "PK"), ("f", "FK"), ("u", "UK")):
        for one in constraints:
            for column in one.columns if one.kind == kind else ():
                marks = found.setdefault(column, [])
                if mark not in marks:
                    marks.append(mark)
    for column, marks in found.items():
        yield column, ", ".join(marks)


def _word(text: str) -> str:
    """A type's or a column's name as one word of the grammar."""
    clean = re.sub(r"[^A-Za-z0-9_\[\]()-]", "_", text.removeprefix("pg_catalog."))
    if clean.lower() in _KEYS or not re.match("[A-Za-z_]", clean):
        return f"_{clean}"
    return clean


def _link(table: ToldRelation, key: ToldConstraint, name: str, to: str) -> str:
    """At the other end one row, or none where the key may be NULL; at this end many, or one where it is unique."""
    columns: dict[str, ToldColumn] = {one.name: one for one in table.columns}
    needed = all(columns[one].not_null for one in key.columns if one in columns)
    alone = any(one.kind in "pu" and set(one.columns) <= set(key.columns) for one in table.constraints)
    label = re.sub(r"[^\w .-]", "_", key.name)
    return f'    {name} {"|o" if alone else "}o"}--{"||" if needed else "o|"} {to} : "{label}"'
