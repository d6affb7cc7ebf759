"""What the statements before one have made of a script: the part of it that the rules ask for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from pgmig_tui.impact import nodes
from pgmig_tui.impact.nodes import Node
from pgmig_tui.script.statement import Statement

Kind = Literal["deploy", "revert", "verify"]


@dataclass(frozen=True, slots=True)
class Hit:
    """What a rule has found: `at` is a position of the statement's tree, -1 = where the statement begins. An empty
    `fix` is the rule's own."""

    code: str
    reason: str
    at: int = -1
    fix: str = ""


Hits = Iterator[Hit]


@dataclass(slots=True)
class LintState:
    """Names are as written: `app.orders`, without quotes. `made` are relations and routines that the script has made,
    `altered` the tables that the open transaction has altered, `written` those whose rows the script has changed.
    """

    kind: Kind
    statement: Statement
    in_transaction: bool = False
    made: set[str] = field(default_factory=set)
    made_columns: set[str] = field(default_factory=set)
    altered: set[str] = field(default_factory=set)
    written: set[str] = field(default_factory=set)
    dropped: set[str] = field(default_factory=set)
    not_valid: set[str] = field(default_factory=set)
    """Constraints that the open transaction has added NOT VALID, as `table.constraint`."""
    policies: set[str] = field(default_factory=set)
    """Tables for which the script makes policies, here or later."""
    not_null: set[str] = field(default_factory=set)
    constrained: dict[str, str] = field(default_factory=dict)
    """Tables that were there before and got a constraint that looks at every row, with what it is."""
    path: str = ""
    """What the script itself has set search_path to."""
    last_altered: str = ""
    """The table that the statement before has altered, if it did."""
    temporary: set[str] = field(default_factory=set)
    indexes: dict[str, set[tuple[str, ...]]] = field(default_factory=dict)
    """The columns of indexes that the script creates anywhere, by their tables."""
    later: set[str] = field(default_factory=set)
    """`table key`: tables that get a primary key by a later statement."""
    unnamed: set[str] = field(default_factory=set)
    """Names without a schema that were told of."""

    @property
    def deploys(self) -> bool:
        return self.kind == "deploy"

    def new(self, name: str) -> bool:
        """Whether the script has made it itself: nobody uses it, and it holds nothing."""
        return name in self.made

    def ended(self) -> None:
        """The transaction is over."""
        self.in_transaction = False
        self.altered.clear()
        self.not_valid.clear()


def relation_name(relation: Node) -> str:
    """A RangeVar as `schema.name`, or the name alone."""
    return f"{relation.schemaname}.{relation.relname}" if relation.schemaname else str(relation.relname)


def dotted(parts: list[str]) -> str:
    return ".".join(parts)


def commands(node: Node) -> list[tuple[str, Node]]:
    """The commands of an AlterTableStmt, each with its kind without `AT_`."""
    return [
        (nodes.enum_name("AlterTableType", one.alter_table_cmd.subtype).removeprefix("AT_"), one.alter_table_cmd)
        for one in node.cmds
    ]


def constraint_kind(constraint: Node) -> str:
    """CHECK, FOREIGN, UNIQUE, PRIMARY, …"""
    return nodes.enum_name("ConstrType", constraint.contype).removeprefix("CONSTR_")


def columns_of(node: Node) -> list[Node]:
    """The column definitions of a CREATE TABLE."""
    return [one.column_def for one in node.table_elts if one.WhichOneof("node") == "column_def"]


def constraints_of(node: Node) -> list[tuple[Node, str]]:
    """The constraints of a CREATE TABLE: (constraint, its column or "")."""
    found = [(one.constraint, "") for one in node.table_elts if one.WhichOneof("node") == "constraint"]
    for column in columns_of(node):
        found += [(one.constraint, column.colname) for one in column.constraints]
    return found


def is_temporary(relation: Node) -> bool:
    return bool(relation.relpersistence == "t" or relation.schemaname == "pg_temp")
