"""What types forbid: values and defaults that don't become another one, both sides of a foreign key, types that tables
are made of or store (42804, 0A000).

Source: tablecmds.c (ATPrepAlterColumnType, ATExecAlterColumnType, find_composite_type_dependencies), heap.c
(cookDefault), namespace.c (CheckSetNamespace).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pgmig_tui.impact import nodes
from pgmig_tui.impact.builtin import builtin_types
from pgmig_tui.impact.casts import assignable, comparable
from pgmig_tui.impact.effect import Effect, Scene
from pgmig_tui.impact.expressions import LITERAL, kind_of, of_columns
from pgmig_tui.impact.facts import Column, Name, Relation, replace
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.shadow_state import TEMP
from pgmig_tui.impact.typechange import type_name


def defaults(commands: Iterable[Node], table: Relation, scene: Scene, out: Effect) -> None:
    """A column's default must become one of its new type by itself: USING is for the rows alone. Only DROP DEFAULT in
    the same statement comes before."""
    cmds = [(nodes.enum_name("AlterTableType", cmd.subtype), cmd) for cmd in commands]
    dropped = {cmd.name for what, cmd in cmds if what == "AT_ColumnDefault" and not nodes.has(cmd, "def")}
    for what, cmd in cmds if scene.catalog.live else ():
        column = table.columns.get(cmd.name) if what == "AT_AlterColumnType" and cmd.name not in dropped else None
        if column is None or not column.has_default or column.generated or not column.default_type:
            continue
        new = type_name(nodes.definition(cmd).type_name)
        if new.schema in {"", "pg_catalog"} and not new.array and assignable(column.default_type, new.name) is False:
            told = f"the default of {table.name}.{column.name} can't be cast to {new.name} automatically: drop it first"
            out.fail(told, "42804")


def castable(column: Column, definition: Node, table: Relation, scene: Scene, out: Effect) -> None:
    new = type_name(definition.type_name)
    if column.type_schema == "pg_catalog" and new.schema in {"", "pg_catalog"}:
        name = f"_{new.name}" if new.array else new.name
        if assignable(column.type, name) is False:
            out.fail(f"{table.name}.{column.name} can't be cast to {new.name} automatically: it needs USING", "42804")
        if new.name in builtin_types():
            return
    enum = scene.catalog.type([new.schema, new.name] if new.schema else [new.name])
    if enum is None or enum.kind != "e" or new.array or not column.type or not scene.catalog.live:
        return
    mine = Name(column.type_schema, column.type)
    by_itself = any(
        one.target == enum.name and one.source == mine and one.context in "ai" for one in scene.catalog.casts
    )
    if mine != enum.name and not by_itself:
        told = f"{table.name}.{column.name} can't be cast to {enum.name} automatically: it needs USING"
        out.fail(told, "42804")


def default_fits(name: str, expression: Node, table: Relation, scene: Scene, out: Effect) -> None:
    """A default names no column, and is of a type that becomes the column's."""
    if any(nodes.kind(inner) == "ColumnRef" for inner in nodes.walk(expression, without="SubLink")):
        out.fail(f"the default of {table.name}.{name} can't name a column", "0A000")
    column = table.columns.get(name)
    if column is None or not column.type or column.type_schema != "pg_catalog" or scene.catalog.casts:
        return
    kind = kind_of(expression, of_columns({}))
    if kind and kind != LITERAL and assignable(kind, column.type) is False:
        out.fail(f"{table.name}.{name} is {column.type}, and its default {kind}", "42804")


def unequal(table: Relation, column: str, other: Relation, theirs: str, out: Effect) -> None:
    """The two sides of a foreign key must be of types that are compared by themselves."""
    one, two = table.columns.get(column), other.columns.get(theirs)
    if one is None or two is None or one.type_schema != "pg_catalog" or two.type_schema != "pg_catalog":
        return
    if comparable(one.type, two.type) is False:
        told = f"{table.name}.{column} and {other.name}.{theirs} are of types that can't be compared"
        out.fail(f"{told}: no foreign key is possible", "42804")


def keys_of_type(cmd: Node, table: Relation, scene: Scene, out: Effect) -> None:
    """A new type must go with that of the other side of each foreign key."""
    new = type_name(nodes.definition(cmd).type_name)
    column = table.columns.get(cmd.name)
    if column is None or new.array or new.schema not in {"", "pg_catalog"}:
        return
    known = replace(
        table, columns={**table.columns, cmd.name: replace(column, type=new.name, type_schema="pg_catalog")}
    )
    for key in table.foreign_keys:
        for one, other in zip(key.columns, key.referenced_columns, strict=False):
            if one == cmd.name and key.referenced != table.name:
                unequal(known, one, scene.catalog.relation(key.referenced), other, out)
    for key in scene.catalog.incoming(table.name):
        for one, other in zip(key.columns, key.referenced_columns, strict=False):
            if other == cmd.name and key.table != table.name:
                unequal(scene.catalog.relation(key.table), one, known, other, out)


def composite(scene: Scene, out: Effect, relation: Relation, commands: Iterable[Node]) -> None:
    """ALTER TYPE of a composite type that tables are made of, or that columns are of."""
    for cmd in commands:
        what = nodes.enum_name("AlterTableType", cmd.subtype)
        if what in {"AT_AddColumn", "AT_DropColumn", "AT_AlterColumnType"}:
            cascade = nodes.cascades(cmd)
            _without_cascade(relation, out, cascade=cascade)
        if what == "AT_AlterColumnType":
            _columns_of_row(scene, out, relation, f"the type {relation.name}")


def of_typed_table(words: str, table: Relation, out: Effect) -> None:
    """The columns of a table that is made OF a type are that type's affair."""
    if table.of_type is not None:
        out.fail(f"{table.name} is a table of the type {table.of_type}: no {words} there", "42809")


def _without_cascade(relation: Relation, out: Effect, *, cascade: bool) -> None:
    tables = [one.name for one in relation.dependents if one.kind == "t" and not one.columns]
    if tables and not cascade:
        out.fail(f"{tables[0]} is a table of the type {relation.name}: it needs CASCADE", "2BP01")


def rename_attribute(node: Node, relation: Relation, out: Effect) -> None:
    _without_cascade(relation, out, cascade=nodes.cascades(node))


def row_type_used(scene: Scene, out: Effect, table: Relation) -> None:
    """A table whose rows are stored in columns elsewhere can't be written anew."""
    if table.name in out.rewrites and table.kind in "rp":
        _columns_of_row(scene, out, table, str(table.name))


def _columns_of_row(scene: Scene, out: Effect, relation: Relation, told: str) -> None:
    for table, name in columns_of_type(scene, relation.name):
        out.fail(f"{told} can't change: {table.name}.{name} stores it", "0A000")


def columns_of_type(scene: Scene, kind: Name, seen: frozenset[Name] = frozenset()) -> Iterator[tuple[Relation, str]]:
    """The columns that store values of a type: of it, of arrays of it, or of composite types with such a column
    (find_composite_type_dependencies)."""
    for relation in scene.catalog.of_type(kind) if scene.catalog.live else ():
        if relation.kind not in "rpmc":
            continue
        for name, column in relation.columns.items():
            if (column.type_schema, column.type.removeprefix("_")) != kind:
                continue
            if relation.kind != "c":
                yield relation, name
            elif relation.name not in seen:
                yield from columns_of_type(scene, relation.name, seen | {relation.name})


def _type_of(scene: Scene, parts: list[str]) -> Name | None:
    fact = scene.catalog.type(parts)
    if fact is not None:
        return fact.name
    relation = scene.catalog.get(nodes.name_from(parts))
    return relation.name if relation is not None and relation.kind in "rpvmfc" else None


def no_move(scene: Scene, out: Effect, schema: str, parts: list[str]) -> bool:
    """Say why a type or function can't get into another schema; False where it can (CheckSetNamespace)."""
    if schema in {TEMP, "pg_toast"} or (len(parts) > 1 and parts[-2] == TEMP):
        out.fail("nothing can be moved into or out of the temporary schema", "0A000")
    elif scene.catalog.live and not scene.catalog.has_schema(schema):
        out.fail(f"the schema {schema} does not exist", "3F000")
    elif _type_of(scene, parts) not in (None, there := _type_of(scene, [schema, parts[-1]])) and there is not None:
        out.fail(f"the type {there} exists already", "42710")
    return bool(out.problem)
