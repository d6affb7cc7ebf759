"""Safer SQL, built of a statement's parse tree: a rule changes there what it is about, and all else stays as written.

What can't be given in full is not given at all: `Unwritable` leaves an advice with its words alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache
from itertools import count
from typing import Final, NamedTuple

from pgmig_tui.impact import nodes
from pgmig_tui.impact.facts import Name, Relation
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.shadow import Catalog
from pgmig_tui.script.quoting import quote

LATER: Final = "-- in a later transaction, or the locks of the first are held all the same:"
ALONE: Final = "-- in a change of its own, without BEGIN and COMMIT:"
THEN: Final = "-- and then:"
BATCHES: Final = "-- in a change of its own, and in batches where the table is large (pgmig-tui backfill):"
_CONCURRENTLY = re.compile(
    r"^REINDEX \((?P<options>[A-Z, ]*\bCONCURRENTLY)\) (?P<what>INDEX|TABLE|SCHEMA|DATABASE|SYSTEM) "
)
LONGEST: Final = 63
"""Bytes of an identifier: NAMEDATALEN - 1."""


class Unwritable(Exception):
    """There is no safer SQL that does all that the statement does."""


class SaferStep(NamedTuple):
    """One statement without its semicolon, and the comment that says when it runs."""

    sql: str
    when: str = ""


def text_of(steps: Iterable[SaferStep]) -> str:
    """The steps as a script; one comment for those that run at the same time."""
    lines: list[str] = []
    said = ""
    for step in steps:
        when = step.when or (THEN if said else "")
        if when != said:
            lines.append(when)
        said = when
        lines.append(f"{step.sql};")
    return "\n".join(lines)


def copied(node: Node) -> Node:
    fresh = type(node)()
    fresh.CopyFrom(node)
    return fresh


def sql_of(node: Node) -> str:
    """A statement as text. Raises Unwritable unless PostgreSQL's grammar reads the same statement out of it again."""
    import postgast
    from postgast import pg_query_pb2

    tree = pg_query_pb2.ParseResult()
    getattr(tree.stmts.add().stmt, _field(nodes.kind(node))).CopyFrom(node)
    try:
        text = postgast.deparse(tree)
        if nodes.kind(node) == "ReindexStmt":
            text = _CONCURRENTLY.sub(_as_of_12, text, count=1)
        again = nodes.parse(text)
    except (postgast.PgQueryError, nodes.ParseError, ValueError) as error:
        raise Unwritable(str(error)) from error
    if len(again) != 1 or not same(node, again[0]):
        raise Unwritable("it would not be read as the same again")
    return text.strip()


def _as_of_12(found: re.Match[str]) -> str:
    """REINDEX (VERBOSE, CONCURRENTLY) TABLE, which is 14's, in the words of all versions."""
    others = [part for part in found["options"].split(", ") if part != "CONCURRENTLY"]
    options = f" ({', '.join(others)})" if others else ""
    return f"REINDEX{options} {found['what']} CONCURRENTLY "


def expression_text(expression: Node) -> str:
    """An expression as SQL."""
    select = copied(nodes.parse("SELECT c")[0])
    select.target_list[0].res_target.val.CopyFrom(expression)
    return sql_of(select).removeprefix("SELECT ")


@cache
def _field(kind: str) -> str:
    """The field of a Node that holds such a message."""
    from postgast import pg_query_pb2

    return next(
        str(field.name)
        for field in pg_query_pb2.Node.DESCRIPTOR.fields
        if field.message_type is not None and field.message_type.name == kind
    )


def wrapped(node: Node) -> Node:
    """A message inside a Node, as lists hold it."""
    from postgast import pg_query_pb2

    holder = pg_query_pb2.Node()
    getattr(holder, _field(nodes.kind(node))).CopyFrom(node)
    return holder


_SCALARS = (str, int, float, bytes)


def same(one: Node, other: Node) -> bool:
    """Whether two trees mean the same: all but the places in the text."""
    if type(one) is not type(other):
        return False
    mine = [(field.name, value) for field, value in one.ListFields() if _counts(field.name)]
    theirs = [(field.name, value) for field, value in other.ListFields() if _counts(field.name)]
    if len(mine) != len(theirs):
        return False
    return all(
        name == named and _equal(value, second) for (name, value), (named, second) in zip(mine, theirs, strict=True)
    )


@cache
def _counts(field: str) -> bool:
    return "location" not in field and field != "stmt_len" and not field.endswith(("list_start", "list_end"))


def _equal(one: Node, other: Node) -> bool:
    if isinstance(one, _SCALARS):
        return bool(one == other)
    if hasattr(one, "ListFields"):
        return same(one, other)
    return len(one) == len(other) and all(map(_equal, one, other))


# -- names that the server would choose --------------------------------------------------------------------------------


def made_name(first: str, second: str, label: str) -> str:
    """As makeObjectName (indexcmds.c): the longer one of the two parts is cut until all fits."""
    parts = [first.encode(), second.encode()]
    room = LONGEST - sum(1 + len(part.encode()) for part in (label,) if part) - (1 if second else 0)
    while len(parts[0]) + len(parts[1]) > room:
        longer = 0 if len(parts[0]) > len(parts[1]) else 1
        parts[longer] = parts[longer][:-1]
    clipped = [part.decode(errors="ignore") for part in parts]
    return "_".join(part for part in (*clipped, label) if part)


def free_name(first: str, columns: Iterable[str], label: str, taken: Callable[[str], bool]) -> str:
    """As ChooseRelationName and ChooseConstraintName: with a number where the name is taken."""
    second = joined_columns(columns)
    name = made_name(first, second, label)
    for number in count(1):
        if not taken(name):
            break
        name = made_name(first, second, f"{label}{number}")
    return name


def taken_in(catalog: Catalog, table: Relation) -> Callable[[str], bool]:
    """Whether a name is that of another relation of the table's schema, or of a constraint of the table."""
    own = {check.name for check in table.checks} | {key.name for key in table.foreign_keys}
    own.update(index.constraint for index in table.indexes)
    schema = table.name.schema

    def taken(name: str) -> bool:
        if name in own:
            return True
        return catalog.get(Name(schema, name)) is not None or catalog.index(Name(schema, name)) is not None

    return taken


def joined_columns(columns: Iterable[str]) -> str:
    """As ChooseIndexNameAddition and its like: columns with "_" between, until a name is full."""
    text = ""
    for column in columns:
        text += f"_{column}" if text else column
        if len(text.encode()) > LONGEST:
            break
    return text


def key_names(node: Node) -> tuple[str, ...]:
    """What an index' name says of its columns, as ChooseIndexColumnNames: an expression goes by its function, or as
    "expr"; doubles get a number."""
    found: list[str] = []
    for item in (*node.index_params, *node.index_including_params):
        element = item.index_elem
        wanted = element.name or _expression_name(element.expr)
        name, number = wanted, 1
        while name in found:
            name = f"{wanted.encode()[:62].decode(errors='ignore')}{number}"
            number += 1
        found.append(name)
    return tuple(found)


def _expression_name(expression: Node) -> str:
    """As FigureIndexColname does for the usual expressions."""
    inner = nodes.open_node(expression)
    kind = nodes.kind(inner)
    if kind == "FuncCall":
        return nodes.strings(inner.funcname)[-1]
    if kind == "CoalesceExpr":
        return "coalesce"
    if kind == "TypeCast":
        named = _expression_name(inner.arg)
        return named if named != "expr" else nodes.strings(inner.type_name.names)[-1]
    if kind == "ColumnRef":
        return nodes.strings(inner.fields)[-1]
    if kind == "CollateClause":
        return _expression_name(inner.arg)
    return "expr"


def names_to_be(node: Node) -> list[str]:
    """The names that the server makes up for indexes and sequences of a statement, if they aren't taken."""
    found: list[str] = []
    if nodes.kind(node) == "IndexStmt" and not node.idxname:
        found.append(made_name(node.relation.relname, joined_columns(key_names(node)), "idx"))
    for item in node.cmds if nodes.kind(node) == "AlterTableStmt" else ():
        definition = nodes.definition(item.alter_table_cmd)
        if definition is None:
            continue
        own = [definition] if nodes.kind(definition) == "Constraint" else []
        column: tuple[str, ...] = ()
        if nodes.kind(definition) == "ColumnDef":
            own = [inner.constraint for inner in definition.constraints]
            column = (definition.colname,)
            found.append(made_name(node.relation.relname, definition.colname, "seq"))
        for one in own:
            label = {"CONSTR_UNIQUE": "key", "CONSTR_PRIMARY": "pkey"}.get(nodes.enum_name("ConstrType", one.contype))
            if label and not one.conname:
                keys = () if label == "pkey" else (*column, *nodes.strings(one.keys), *nodes.strings(one.including))
                found.append(made_name(node.relation.relname, joined_columns(keys), label))
    return found


def written(relation: Node) -> str:
    """A RangeVar as the statement names it, but for ONLY."""
    parts = (relation.catalogname, relation.schemaname, relation.relname)
    return ".".join(quote(part) for part in parts if part)


def beside(relation: Node, name: str) -> str:
    """Another object of the same schema, written as the statement names the relation."""
    parts = (relation.catalogname, relation.schemaname, name)
    return ".".join(quote(part) for part in parts if part)
