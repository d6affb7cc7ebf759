"""Types that are taken by habit and regretted later, in columns that a script makes."""

from __future__ import annotations

from typing import Final

from pgmig_tui.impact import nodes
from pgmig_tui.impact.nodes import Node
from pgmig_tui.lint.rule import Rule, rule
from pgmig_tui.lint.state import Hit, Hits, LintState, columns_of, commands, constraint_kind, constraints_of

_TABLE = "CREATE TABLE app.t (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, c {});"


def _column(bad: str, good: str) -> tuple[str, str]:
    return _TABLE.format(bad), _TABLE.format(good)


RULES: Final[tuple[Rule, ...]] = (
    rule(
        "type-char", "warning", "char(n)",
        "char(n) pads every value with blanks to its length, and these blanks come and go in comparisons.",
        "Take text, with a CHECK on its length where there has to be one.",
        *_column("char(3)", "text CHECK (length(c) = 3)"),
    ),
    rule(
        "type-varchar", "info", "varchar(n)",
        "A limit in the type can be narrowed only by reading every row under a strong lock, and views stand in"
        " its way.",
        "Take text, with a CHECK on its length where there has to be one.",
        *_column("varchar(80)", "text"),
    ),
    rule(
        "type-timestamp", "warning", "timestamp without a time zone",
        "timestamp is a picture of a clock on a wall: which moment it was nobody can tell after a move or a DST"
        " change.",
        "Take timestamptz. It needs no more room.",
        *_column("timestamp", "timestamptz"),
    ),
    rule(
        "type-timetz", "warning", "time with time zone",
        "An offset without a date says nothing about daylight saving time; PostgreSQL has the type for the"
        " standard alone.",
        "Take timestamptz, or time and the name of a time zone.",
        *_column("timetz", "time"),
    ),
    rule(
        "type-json", "warning", "json instead of jsonb",
        "json keeps the text: it has no equality, so DISTINCT, GROUP BY and UNION on it fail, and it is parsed"
        " at each use.",
        "Take jsonb, unless key order and blanks have to stay.",
        *_column("json", "jsonb"),
    ),
    rule(
        "type-money", "warning", "money",
        "What a value of money means hangs on lc_monetary of the server that reads it.",
        "Take numeric, and a column for the currency.",
        *_column("money", "numeric(12,2)"),
    ),
    rule(
        "type-serial", "info", "serial instead of an identity column",
        "A serial's sequence has privileges and a default of its own, and any INSERT may write past it.",
        "Take GENERATED ALWAYS AS IDENTITY.",
        "CREATE TABLE app.t (id bigserial PRIMARY KEY);",
        "CREATE TABLE app.t (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY);",
    ),
    rule(
        "key-too-small", "warning", "a primary key that can run out",
        "An integer ends at 2,147,483,647. To widen the key later, the table and all that refer to it are rewritten.",
        "Take bigint.",
        "CREATE TABLE app.t (id integer PRIMARY KEY);", "CREATE TABLE app.t (id bigint PRIMARY KEY);",
    ),
)  # fmt: skip

_BY_NAME = {
    "bpchar": ("type-char", "is char({size})"),
    "varchar": ("type-varchar", "has a limit in its type"),
    "timestamp": ("type-timestamp", "is a timestamp without a time zone"),
    "timetz": ("type-timetz", "is a time with time zone"),
    "json": ("type-json", "is json"),
    "money": ("type-money", "is money"),
    "serial": ("type-serial", "is a serial"),
    "bigserial": ("type-serial", "is a bigserial"),
    "smallserial": ("type-serial", "is a smallserial"),
    "serial2": ("type-serial", "is a smallserial"),
    "serial4": ("type-serial", "is a serial"),
    "serial8": ("type-serial", "is a bigserial"),
}
_SMALL = frozenset({"int2", "int4", "serial", "smallserial", "serial2", "serial4"})


def _type_name(column: Node) -> str:
    names = nodes.strings(column.type_name.names)
    if len(names) > 1 and names[0] != "pg_catalog":
        return ""
    return names[-1] if names else ""


def _look(column: Node) -> Hits:
    name = _type_name(column)
    found = _BY_NAME.get(name)
    if found is None:
        return
    code, words = found
    if name in ("bpchar", "varchar"):
        if not column.type_name.typmods:
            if name == "bpchar":
                yield Hit(code, f"{column.colname} is char", column.location)
            return
        words = words.format(size=nodes.constant(column.type_name.typmods[0]) or "n")
    yield Hit(code, f"{column.colname} {words}", column.location)


def _create(node: Node, state: LintState) -> Hits:
    columns = {column.colname: column for column in columns_of(node)}
    for column in columns.values():
        yield from _look(column)
    for constraint, own in constraints_of(node):
        if constraint_kind(constraint) == "PRIMARY":
            for name in [own] if own else nodes.strings(constraint.keys):
                key = columns.get(name)
                alone = bool(own) or len(constraint.keys) == 1
                if alone and key is not None and _type_name(key) in _SMALL:
                    yield Hit("key-too-small", f"the key {name} is an integer of 4 bytes or fewer", key.location)


def _alter(node: Node, state: LintState) -> Hits:
    for kind, command in commands(node):
        if kind == "AddColumn":
            yield from _look(nodes.definition(command))
        elif kind == "AlterColumnType":
            definition = nodes.definition(command)
            for hit in _look(definition):
                yield Hit(hit.code, f"{command.name}{hit.reason}", hit.at)


CHECKS = {"CreateStmt": _create, "AlterTableStmt": _alter}
