"""A described schema as Markdown: the same bytes for the same schema, whatever server was asked, and whenever."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from pgmig_tui.database.described import (
    DataType,
    Described,
    Routine,
    SchemaPart,
    ToldColumn,
    ToldConstraint,
    ToldPartition,
    ToldRelation,
)
from pgmig_tui.display import words
from pgmig_tui.display.markdown import code, prose
from pgmig_tui.review.schema_diagram import diagram

MARKER = "<!-- Written by pgmig-tui document. Changes made by hand are lost: run it again instead. -->"
"""The first line of a file that `document` may overwrite."""
_MOST_PARTITIONS = 50
_PLAIN = re.compile(r"[a-z_][a-z0-9_$]*")
_KINDS = {"r": "table", "p": "partitioned table", "f": "foreign table"}
_CONSTRAINTS = {"p": "Primary key", "u": "Unique", "f": "Foreign key", "x": "Exclusion", "c": "Check"}
_ROUTINES = {"f": "function", "p": "procedure", "a": "aggregate", "w": "window function"}


def markdown(project: str, found: Described) -> str:
    """The document of a project's schema, with its marker."""
    return "\n".join(_tidy([MARKER, "", f"# Schema of {prose(project)}", "", *_opening(found), *_parts(found)])) + "\n"


def _tidy(lines: Iterable[str]) -> Iterator[str]:
    """Never two blank lines, and none at the end."""
    blank = False
    for line in lines:
        if line and blank:
            yield ""
        if line:
            yield line
        blank = not line


def _opening(found: Described) -> Iterator[str]:
    shown = list(_shown(found))
    if not shown:
        yield "There is nothing in it."
        return
    yield from _table(
        ("schema", "tables", "views", "types", "functions", "comment"),
        (
            (
                code(quoted(one.name)),
                str(_count(one, "rpf")),
                str(_count(one, "vm")),
                str(len(one.types) + _count(one, "c")),
                str(len(one.routines)),
                prose(one.comment),
            )
            for one in shown
        ),
    )
    if found.extensions:
        yield ""
        yield "Extensions: " + ", ".join(code(quoted(name)) for name, _ in found.extensions) + "."


def _shown(found: Described) -> Iterator[SchemaPart]:
    """Each database has a `public`; where nothing is in it, it says nothing."""
    return (one for one in found.schemas if one.name != "public" or one.relations or one.types or one.routines)


def _count(part: SchemaPart, kinds: str) -> int:
    return sum(one.kind in kinds for one in part.relations)


def _parts(found: Described) -> Iterator[str]:
    for part in _shown(found):
        yield from ("", f"## Schema {code(quoted(part.name))}", "", prose(part.comment), "")
        yield from _drawing(part)
        for one in part.relations:
            if one.kind in _KINDS:
                yield from ("", f"### {_title(one)}", "", *_of_table(one))
        views = [one for one in part.relations if one.kind in "vm"]
        for one in views:
            yield from ("", f"### {_title(one)}", "", *_of_view(one))
        if part.types or any(one.kind == "c" for one in part.relations):
            yield from ("", f"### Types of {code(quoted(part.name))}", "", *_types(part))
        if part.routines:
            yield from ("", f"### Functions of {code(quoted(part.name))}", "", *_routines(part.routines))


def _drawing(part: SchemaPart) -> Iterator[str]:
    drawn = diagram(part.relations)
    if drawn is None:
        return
    yield from ("```mermaid", *drawn.lines, "```", "")
    if drawn.tables < drawn.all_tables:
        left = drawn.all_tables - drawn.tables
        left_out = words.count(left, "table")
        yield f"Drawn are the {drawn.tables:,} tables with most foreign keys; left out: {left_out}."


def quoted(name: str) -> str:
    """A name as SQL has it: in quotes where it needs them for its letters."""
    return name if _PLAIN.fullmatch(name) else '"' + name.replace('"', '""') + '"'


def full(schema: str, name: str) -> str:
    return f"{quoted(schema)}.{quoted(name)}"


def _title(one: ToldRelation) -> str:
    kind = {"v": "View ", "m": "Materialized view ", "f": "Foreign table "}.get(one.kind, "")
    return f"{kind}{code(full(one.schema, one.name))}"


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A table without the columns in which nothing stands."""
    lines = list(rows)
    kept = [at for at in range(len(headings)) if at == 0 or any(line[at] for line in lines)]
    yield "| " + " | ".join(headings[at] for at in kept) + " |"
    yield "|" + "---|" * len(kept)
    for line in lines:
        yield "| " + " | ".join(line[at] for at in kept) + " |"


def _said(comment: str) -> str:
    return f": {prose(comment)}" if comment.strip() else ""


# -- tables ------------------------------------------------------------------------------------------------------------


def _of_table(one: ToldRelation) -> Iterator[str]:
    yield from (prose(one.comment), "")
    if one.unlogged:
        yield from ("Unlogged: a crash of the server empties it.", "")
    if one.server:
        yield from (f"Its rows are on the foreign server {code(quoted(one.server))}.", "")
    if one.inherits:
        yield from (f"Inherits from {code(one.inherits)}.", "")
    if one.partitioned:
        yield from _partitioned(one)
    if one.columns:
        yield from _columns(one.columns)
    lines = [*(_constraint(each) for each in one.constraints), *_indexes(one), *_triggers(one), *_row_security(one)]
    if lines:
        yield from ("", *lines)


def _partitioned(one: ToldRelation) -> Iterator[str]:
    yield from (f"Partitioned by {code(one.partitioned)}:", "")
    if not one.partitions:
        yield from ("- no partition", "")
        return
    for each in one.partitions[:_MOST_PARTITIONS]:
        yield _partition(each, one.schema)
    if (left := len(one.partitions) - _MOST_PARTITIONS) > 0:
        yield f"- and {left:,} more"
    yield ""


def _partition(each: ToldPartition, schema: str) -> str:
    name = quoted(each.name) if each.schema == schema else full(each.schema, each.name)
    below = f", itself partitioned by {code(each.key)}" if each.key else ""
    return f"{'  ' * each.depth}- {code(name)} {code(each.bound)}{below}{_said(each.comment)}"


def _columns(columns: Sequence[ToldColumn]) -> Iterator[str]:
    yield from _table(
        ("column", "type", "null", "default", "comment"),
        (
            (code(quoted(one.name)), code(one.type), "no" if one.not_null else "yes", _default(one), prose(one.comment))
            for one in columns
        ),
    )


def _default(one: ToldColumn) -> str:
    if one.identity:
        return f"identity, {'always' if one.identity == 'a' else 'by default'}"
    if one.generated:
        return f"generated {code(one.expression)}{', virtual' if one.generated == 'v' else ''}"
    return code(one.expression)


def _constraint(one: ToldConstraint) -> str:
    unchecked = "" if one.validated or "NOT VALID" in one.definition else ", not validated"
    return f"- {_CONSTRAINTS[one.kind]} {code(quoted(one.name))} {code(one.definition)}{unchecked}{_said(one.comment)}"


def _indexes(one: ToldRelation) -> Iterator[str]:
    for each in one.indexes:
        broken = "" if each.valid else ", invalid"
        what = "Unique index" if each.unique else "Index"
        using = each.definition.partition(" USING ")[2]
        yield f"- {what} {code(quoted(each.name))} {code(using or each.definition)}{broken}{_said(each.comment)}"


def _triggers(one: ToldRelation) -> Iterator[str]:
    for each in one.triggers:
        enabled = f", {each.enabled}" if each.enabled else ""
        yield f"- Trigger {code(quoted(each.name))} {code(each.definition)}{enabled}{_said(each.comment)}"


def _row_security(one: ToldRelation) -> Iterator[str]:
    if one.row_security:
        owner = ", for the owner too" if one.row_security == "forced" else ""
        nobody = "" if one.policies else "; without a policy nobody sees a row"
        yield f"- Row security is on{owner}{nobody}"
    for each in one.policies:
        off = "" if one.row_security else ", not in force: row security is off"
        kind = "Restrictive policy" if each.restrictive else "Policy"
        using = f" using {code(each.using)}" if each.using else ""
        check = f" with check {code(each.check)}" if each.check else ""
        told = f"for {each.command} to {code(each.roles)}{using}{check}"
        yield f"- {kind} {code(quoted(each.name))} {told}{off}{_said(each.comment)}"


# -- the rest ----------------------------------------------------------------------------------------------------------


def _of_view(one: ToldRelation) -> Iterator[str]:
    yield from (prose(one.comment), "")
    if one.reads:
        yield from ("Reads " + ", ".join(code(full(*name)) for name in one.reads) + ".", "")
    yield from _table(
        ("column", "type", "comment"),
        ((code(quoted(each.name)), code(each.type), prose(each.comment)) for each in one.columns),
    )
    lines = [*_indexes(one), *_triggers(one)]
    if lines:
        yield from ("", *lines)


def _types(part: SchemaPart) -> Iterator[str]:
    composite = [one for one in part.relations if one.kind == "c"]
    rows = [(one.name, "composite", _fields(one), one.comment) for one in composite]
    rows += [(one.name, *_type(one), one.comment) for one in part.types]
    yield from _table(
        ("type", "kind", "values", "comment"),
        ((code(quoted(name)), kind, what, prose(comment)) for name, kind, what, comment in sorted(rows)),
    )


def _fields(one: ToldRelation) -> str:
    return ", ".join(code(f"{quoted(each.name)} {each.type}") for each in one.columns)


def _type(one: DataType) -> tuple[str, str]:
    if one.kind == "e":
        return "enum", ", ".join(code(label) or '""' for label in one.labels)
    if one.kind == "r":
        return "range", f"of {code(one.base)}"
    parts = [code(one.base), *(["not null"] if one.not_null else [])]
    parts += [f"default {code(one.default)}"] if one.default else []
    parts += [f"{code(each.definition)}{_said(each.comment)}" for each in one.checks]
    return "domain", ", ".join(parts)


def _routines(routines: Sequence[Routine]) -> Iterator[str]:
    yield from _table(
        ("function", "kind", "returns", "language", "comment"),
        (
            (
                code(f"{quoted(one.name)}({one.arguments})"),
                _ROUTINES.get(one.kind, "") + (", security definer" if one.definer else ""),
                code(one.result),
                "" if one.kind == "a" else code(one.language),
                prose(one.comment),
            )
            for one in routines
        ),
    )
