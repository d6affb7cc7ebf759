"""Statements that give relations new files: what those are before one is sent tells later whether it took effect.

Asked only of what commits by itself, so nothing but the statement comes between question and journal.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgmig_tui.database.connect import Connection
from pgmig_tui.database.leftovers import left_behind
from pgmig_tui.database.text import ident
from pgmig_tui.database.traces import MOST_FILES, files_now, files_sql
from pgmig_tui.database.wire import Wire

if TYPE_CHECKING:
    from pgmig_tui.impact.nodes import Node

_ACTIONS = frozenset({
    "AT_AlterColumnType", "AT_SetTableSpace", "AT_SetLogged", "AT_SetUnLogged", "AT_SetAccessMethod",
})  # fmt: skip
_COPY = re.compile(r"_cc(?:new|old)\d*$")

Files = Sequence[Sequence[str]]
"""(qualified name, oid, file, columns) of each relation, as the journal holds it."""


@dataclass(frozen=True, slots=True)
class Rewrite:
    """What a statement rewrites: `names` as `traces.files_sql` wants them. `at_once`: all of it or nothing. `surely`:
    where all is as before, it wasn't carried out, or has nothing to do."""

    names: tuple[tuple[str, bool, bool], ...]
    at_once: bool = True
    surely: bool = True
    moves: bool = False
    """It makes relations anew, under the same names (REINDEX CONCURRENTLY)."""

    @property
    def flags(self) -> list[str]:
        """As the journal holds them."""
        return [name for name in ("at_once", "surely", "moves") if getattr(self, name)]

    @staticmethod
    def of_flags(flags: Sequence[str]) -> Rewrite:
        """A rewrite whose names are those of its files."""
        return Rewrite((), at_once="at_once" in flags, surely="surely" in flags, moves="moves" in flags)


def files_before(wire: Wire, rewrite: Rewrite | None) -> list[list[str]]:
    """The files of what a statement would rewrite; empty when it rewrites nothing, or that isn't known."""
    if rewrite is None or not rewrite.names:
        return []
    exchange = wire.run(files_sql(rewrite.names).encode())
    if exchange.error is not None or len(exchange.last.rows) > MOST_FILES:
        return []
    return [[part or "" for part in row] for row in exchange.last.rows]


def rewrite_of(node: Node) -> Rewrite | None:
    """What a statement's tree says that it rewrites; None for one that needn't rewrite anything."""
    kind = node.WhichOneof("node")
    statement = getattr(node, kind)
    if kind == "vacuum_stmt" and _is_on(statement.options, "full"):
        return Rewrite(tuple(_named(one.vacuum_relation.relation) for one in statement.rels), at_once=False)
    if kind == "cluster_stmt" and statement.HasField("relation"):
        return Rewrite((_named(statement.relation),), at_once=False)
    if kind == "truncate_stmt":
        return Rewrite(tuple(_named(one.range_var) for one in statement.relations))
    if kind == "refresh_mat_view_stmt" and not statement.concurrent:
        return Rewrite((_named(statement.relation),))
    if kind == "reindex_stmt" and statement.HasField("relation"):
        of_table = _enum(statement, "kind") == "REINDEX_OBJECT_TABLE"
        moves = _is_on(statement.params, "concurrently")
        return Rewrite((_named(statement.relation, of_table),), at_once=False, moves=moves)
    if kind == "alter_table_stmt":
        actions = {_enum(one.alter_table_cmd, "subtype") for one in statement.cmds}
        if actions & _ACTIONS:
            name, partitions, _ = _named(statement.relation)
            deep = partitions and "AT_AlterColumnType" in actions  # the others never go on to partitions
            return Rewrite(((name, deep, False),), surely=len(statement.cmds) == 1)
    return None


def became_of(connection: Connection, rewrite: Rewrite, before: Files) -> tuple[bool | None, str, tuple[str, ...]]:
    """(Whether a statement was carried out, None for in parts; in words; what repairs that it has left) by the files
    that there are now. The words are empty where the files don't tell. Raises ServerError."""
    if rewrite.moves and (found := _copies(connection, before)):
        return None, f"index {found[0][0]} is left INVALID", found[0][1]
    now = files_now(connection, (name for name, *_ in before))
    if not rewrite.moves and any(now.get(name, ("",))[0] != oid for name, oid, *_ in before):
        return None, "", ()  # gone, or another of that name: somebody else has been there
    same = [name for name, *rest in before if now.get(name) == tuple(rest)]
    what = before[0][0] if len(before) == 1 else f"each of the {len(before)} relations"
    if not same:
        return True, f"{what} has another file, or other columns, than before it was sent", ()
    if rewrite.surely and (rewrite.at_once or len(same) == len(before)):
        return False, f"{same[0]} has the file that it had before it was sent", ()
    return None, "" if rewrite.at_once else f"{same[0]} has the file that it had, and others have new ones", ()


def _copies(connection: Connection, before: Files) -> list[tuple[str, tuple[str, ...]]]:
    """INVALID copies that REINDEX CONCURRENTLY has left of these indexes."""
    names = [name.replace('"', "") for name, *_ in before]
    return [
        (one.told, one.repair)
        for one in left_behind(connection)
        if _COPY.search(one.name) and any(name.startswith(_COPY.sub("", one.told)) for name in names)
    ]


def _named(relation: Node, indexes: bool = False) -> tuple[str, bool, bool]:
    schema = f"{ident(relation.schemaname)}." if relation.schemaname else ""
    return schema + ident(relation.relname), relation.inh, indexes


def _is_on(options: Node, name: str) -> bool:
    """Whether an option is there, and not switched off again."""
    told = [one.def_elem for one in options if one.def_elem.defname == name]
    if not told or not told[-1].HasField("arg"):
        return bool(told)
    value = told[-1].arg
    return str(value.string.sval if value.HasField("string") else value.integer.ival).lower() in ("on", "true", "1")


def _enum(message: Node, field: str) -> str:
    return str(message.DESCRIPTOR.fields_by_name[field].enum_type.values_by_number[getattr(message, field)].name)
