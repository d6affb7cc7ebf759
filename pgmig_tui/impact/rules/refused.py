"""Certain failures: what the server will refuse whatever the rows are, asked before a rule says what happens.

Nothing is said where the catalog isn't known for certain: a column of a table whose columns nobody has asked for, or
after code that may have done anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from pgmig_tui.impact import nodes
from pgmig_tui.impact.casts import assignable
from pgmig_tui.impact.effect import Effect, Scene
from pgmig_tui.impact.facts import Column, Name, Relation
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.rules.cascade import in_the_way, obstacle_words, part_key, refuse
from pgmig_tui.impact.typechange import type_name

_SYSTEM_COLUMNS = frozenset({"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"})
_USED = {
    "view": "a view or rule",
    "materialized view": "a view or rule",
    "rule": "a view or rule",
    "trigger": "a trigger definition",
    "policy": "a policy definition",
    "default value": "a generated column",
    "publication relation": "a publication's WHERE clause",
}


def lacks(table: Relation, columns: Iterable[str]) -> str:
    """The first of these columns that a table certainly lacks, "" where there is none."""
    if not table.known or not table.columns or table.kind not in "rpfvmc":
        return ""
    return next((one for one in columns if one not in table.columns and one not in _SYSTEM_COLUMNS), "")


def no_column(out: Effect, table: Relation, columns: Iterable[str]) -> None:
    if missing := lacks(table, columns):
        out.problem = out.problem or f"column {missing} of {table.name} does not exist (42703)"


def subcommand(words: str, cmd: Node, table: Relation, scene: Scene, out: Effect) -> None:
    """Why a subcommand of ALTER TABLE is refused, if it is."""
    if words in _ON_COLUMN and cmd.name:
        no_column(out, table, [cmd.name])
    check = _CHECKS.get(words)
    if check is not None and table.known and scene.catalog.live:
        check(cmd, table, scene, out)


def _alter_type(cmd: Node, table: Relation, scene: Scene, out: Effect) -> None:
    column, catalog = table.columns.get(cmd.name), scene.catalog
    if column is None or table.kind == "c":
        return
    for one in in_the_way(catalog, [part_key(table, cmd.name, "column", catalog)], direct=True):
        if one.what in _USED and not (one.what == "trigger" and one.relation != table.name):
            out.problem = out.problem or (
                f"the type of {table.name}.{cmd.name} can't change: {_USED[one.what]} uses it, "
                f"{obstacle_words(one)} (0A000)"
            )
    definition = nodes.definition(cmd)
    if not nodes.has(definition, "raw_default"):
        _castable(column, definition, table, out)


def _castable(column: Column, definition: Node, table: Relation, out: Effect) -> None:
    new = type_name(definition.type_name)
    if column.type_schema == "pg_catalog" and new.schema in {"", "pg_catalog"}:
        name = f"_{new.name}" if new.array else new.name
        if assignable(column.type, name) is False:
            out.problem = out.problem or (
                f"{table.name}.{column.name} can't be cast to {new.name} automatically: it needs USING (42804)"
            )


def _drop_column(cmd: Node, table: Relation, scene: Scene, out: Effect) -> None:
    if nodes.enum_name("DropBehavior", cmd.behavior) == "DROP_CASCADE" or cmd.name not in table.columns:
        return
    catalog = scene.catalog
    words = [obstacle_words(one) for one in in_the_way(catalog, [part_key(table, cmd.name, "column", catalog)])]
    words += [
        f"the view {one.name}"
        for one in table.dependents
        if not words and one.kind in {"v", "m"} and cmd.name in one.columns and catalog.known(one.name) is not None
    ]
    words += [
        f"the foreign key {key.name} of {key.table}"
        for key in catalog.incoming(table.name)
        if not words and cmd.name in key.referenced_columns and key.table != table.name and not key.inherited
    ]
    refuse(out, f"{table.name}.{cmd.name}", words)


def _drop_constraint(cmd: Node, table: Relation, scene: Scene, out: Effect) -> None:
    if nodes.enum_name("DropBehavior", cmd.behavior) == "DROP_CASCADE":
        return
    catalog = scene.catalog
    words = [obstacle_words(one) for one in in_the_way(catalog, [part_key(table, cmd.name, "constraint", catalog)])]
    index = next((index for index in table.indexes if index.constraint == cmd.name), None)
    words += [
        f"the foreign key {key.name} of {key.table}"
        for key in (catalog.incoming(table.name) if index is not None and not words else ())
        if index is not None and not key.inherited and set(key.referenced_columns) == set(index.keys)
    ]
    refuse(out, f"the constraint {cmd.name} of {table.name}", words)


def _drop_not_null(cmd: Node, table: Relation, scene: Scene, out: Effect) -> None:
    if any(index.primary and cmd.name in index.keys for index in table.indexes):
        out.problem = out.problem or f"{cmd.name} is in the primary key of {table.name} (42P16)"


def _add_constraint(cmd: Node, table: Relation, scene: Scene, out: Effect) -> None:
    constraint = nodes.definition(cmd)
    kind = nodes.enum_name("ConstrType", constraint.contype)
    taken = {key.name for key in table.foreign_keys} | {check.name for check in table.checks}
    taken |= {index.constraint for index in table.indexes if index.constraint}
    if constraint.conname and constraint.conname in taken:
        out.problem = out.problem or f"{table.name} has a constraint {constraint.conname} already (42710)"
    if kind == "CONSTR_PRIMARY" and any(index.primary for index in table.indexes):
        out.problem = out.problem or f"{table.name} has a primary key already (42P16)"
    if kind in {"CONSTR_PRIMARY", "CONSTR_UNIQUE"}:
        no_column(out, table, nodes.strings(constraint.keys))
    elif kind == "CONSTR_FOREIGN":
        no_column(out, table, nodes.strings(constraint.fk_attrs))
        _references(constraint, scene, out)


def _references(constraint: Node, scene: Scene, out: Effect) -> None:
    """A foreign key needs a unique index on exactly the columns that it references."""
    target = scene.catalog.get(nodes.name_of(constraint.pktable))
    if target is None or not target.known or not target.columns or target.kind not in "rp":
        return
    columns = nodes.strings(constraint.pk_attrs)
    no_column(out, target, columns)
    if not columns and not any(index.primary for index in target.indexes):
        out.problem = out.problem or f"{target.name} has no primary key to reference (42704)"
    elif columns and not any(index.unique and set(index.keys) == set(columns) for index in target.indexes):
        told = ", ".join(columns)
        out.problem = out.problem or f"no unique constraint of {target.name} is on ({told}) alone (42830)"


def rename_column(node: Node, table: Relation, out: Effect) -> None:
    no_column(out, table, [node.subname])
    if node.newname in table.columns and table.known:
        out.problem = out.problem or f"column {node.newname} of {table.name} exists already (42701)"


def in_use(scene: Scene, out: Effect, members: Iterable[Relation], what: str) -> None:
    """Tables with deferred trigger events that wait for the end of the transaction are left alone (55006)."""
    for member in members:
        waits = scene.catalog.pending(member.name)
        if waits is None:
            continue
        told = f"{what} is refused while foreign keys of {member.name} wait to be checked at COMMIT"
        if waits:
            out.problem = out.problem or f"{told} (55006)"
        else:
            out.notes.append(f"if rows were changed before, {told} (55006)")


def fresh_value(node: Node, scene: Scene, out: Effect) -> None:
    """A value that this transaction has added to an enumeration can't be used before COMMIT: as a literal that is cast,
    put into a column of that type, or compared with one."""
    for enum, value in scene.catalog.fresh_values:
        if any(used == value for used in _literals_of(node, scene, enum)):
            told = f"the value '{value}' of {enum} can't be used before its transaction has committed (55P04)"
            out.problem = out.problem or told


def _literals_of(node: Node, scene: Scene, enum: Name) -> Iterator[str]:
    """String constants where a value of an enumeration is wanted."""
    for inner in nodes.walk(node):
        kind = nodes.kind(inner)
        if kind == "TypeCast" and nodes.strings(inner.type_name.names)[-1:] == [enum.relation]:
            yield nodes.constant(inner.arg) or ""
        elif kind == "InsertStmt" and nodes.has(inner, "select_stmt"):
            table = scene.catalog.relation(nodes.name_of(inner.relation))
            columns = [item.res_target.name for item in inner.cols] or list(table.columns)
            for row in nodes.statement(inner.select_stmt).values_lists:
                for column, value in zip(columns, row.list.items, strict=False):
                    yield from _literal_in(table, column, value, enum)
        elif kind == "UpdateStmt":
            table = scene.catalog.relation(nodes.name_of(inner.relation))
            for item in inner.target_list:
                yield from _literal_in(table, item.res_target.name, item.res_target.val, enum)
        elif kind == "AlterTableStmt":
            table = scene.catalog.relation(nodes.name_of(inner.relation))
            for item in inner.cmds:
                if nodes.has(item.alter_table_cmd, "def"):
                    yield from _literal_in(
                        table, item.alter_table_cmd.name, nodes.raw_definition(item.alter_table_cmd), enum
                    )
        elif kind == "A_Expr":
            yield from _compared(inner, scene, enum)


def _literal_in(table: Relation, column: str, value: Node, enum: Name) -> Iterator[str]:
    known = table.columns.get(column)
    if known is not None and (known.type_schema, known.type) == enum and (text := nodes.constant(value)) is not None:
        yield text


def _compared(expression: Node, scene: Scene, enum: Name) -> Iterator[str]:
    for one, other in ((expression.lexpr, expression.rexpr), (expression.rexpr, expression.lexpr)):
        if one.WhichOneof("node") != "column_ref":
            continue
        column = nodes.strings(one.column_ref.fields)[-1:]
        of_type = any(
            (known.type_schema, known.type) == enum
            for _, relation in scene.catalog.relations()
            if column and (known := relation.columns.get(column[0])) is not None
        )
        if of_type:
            yield nodes.constant(other) or ""


def name_taken(scene: Scene, out: Effect, name: Name) -> None:
    """A relation or index can't get a name that another one of its schema has."""
    catalog = scene.catalog
    if catalog.known(name) is not None or catalog.index(name) is not None:
        out.problem = out.problem or f"{name} exists already (42P07)"


def values_of_columns(table: Relation, columns: Iterable[str], out: Effect) -> None:
    """INSERT and UPDATE of columns that aren't there."""
    if table.kind in "rpf":
        no_column(out, table, columns)


_ON_COLUMN = frozenset(
    {"ALTER COLUMN TYPE", "SET or DROP DEFAULT", "SET NOT NULL", "DROP NOT NULL", "SET EXPRESSION", "DROP EXPRESSION",
     "SET STATISTICS", "SET (column options)", "RESET (column options)", "SET STORAGE", "SET COMPRESSION",
     "ADD GENERATED AS IDENTITY", "ALTER IDENTITY"}
)  # fmt: skip
_CHECKS: dict[str, Callable[[Node, Relation, Scene, Effect], None]] = {
    "ALTER COLUMN TYPE": _alter_type,
    "DROP COLUMN": _drop_column,
    "DROP CONSTRAINT": _drop_constraint,
    "DROP NOT NULL": _drop_not_null,
    "ADD CONSTRAINT": _add_constraint,
}
