"""Certain failures: what the server will refuse whatever the rows are, asked before a rule says what happens.

Nothing is said where the catalog isn't known for certain: a column of a table whose columns nobody has asked for, or
after code that may have done anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from pgmig_tui.impact import nodes
from pgmig_tui.impact.builtin import builtin_types
from pgmig_tui.impact.effect import Effect, Scene
from pgmig_tui.impact.expressions import LITERAL, kind_of, no_operator, of_columns
from pgmig_tui.impact.facts import Column, Index, Name, Relation, replace
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.refusal import Refusal
from pgmig_tui.impact.rules import inherited
from pgmig_tui.impact.rules.cascade import depends_still, in_the_way, keys_by, obstacle_words, part_key, refuse
from pgmig_tui.impact.rules.kinds import wrong_kind
from pgmig_tui.impact.rules.refused_index import immutable, operator_class
from pgmig_tui.impact.rules.refused_types import (
    castable,
    default_fits,
    keys_of_type,
    of_typed_table,
    unequal,
)
from pgmig_tui.impact.rules.sequences import named_in
from pgmig_tui.impact.rules.types import SERIALS, no_type
from pgmig_tui.impact.shadow_state import TEMP
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


_FIXED = frozenset(
    {"bool", "char", "int2", "int4", "int8", "oid", "float4", "float8", "date", "time", "timetz", "timestamp",
     "timestamptz", "interval", "uuid", "money", "name"}
)  # fmt: skip


_OF_TYPE = frozenset({"ADD COLUMN", "DROP COLUMN", "ALTER COLUMN TYPE", "INHERIT", "NO INHERIT"})


def lacks(table: Relation, columns: Iterable[str]) -> str:
    """The first of these columns that a table certainly lacks, "" where there is none."""
    if not table.known or not table.columns or table.kind not in "rpfvmc":
        return ""
    return next((one for one in columns if one not in table.columns and one not in _SYSTEM_COLUMNS), "")


def no_column(out: Effect, table: Relation, columns: Iterable[str]) -> None:
    if missing := lacks(table, columns):
        out.fail(f"column {missing} of {table.name} does not exist", "42703")


def no_constraint(scene: Scene, out: Effect, table: Relation, name: str) -> None:
    """A constraint that a table certainly lacks (42704)."""
    if not (table.known and table.columns and scene.catalog.live) or scene.catalog.uncertain or table.kind not in "rpf":
        return
    there = {check.name for check in table.checks} | {key.name for key in table.foreign_keys}
    there |= {index.constraint for index in table.indexes} | {trigger.name for trigger in table.triggers}
    if name not in there and scene.catalog.facts.scope is not None:
        out.fail(f"{table.name} has no constraint {name}", "42704")


def subcommand(words: str, cmd: Node, table: Relation, scene: Scene, out: Effect, *, only: bool = False) -> None:
    """Why a subcommand of ALTER TABLE is refused, if it is."""
    inherited.refused(words, cmd, table, scene, out, only=only)
    if words in _OF_TYPE:
        of_typed_table(words, table, out)
    if words in _ON_COLUMN and cmd.name:
        no_column(out, table, [cmd.name])
    check = _CHECKS.get(words)
    if check is not None and table.known and scene.catalog.live:
        check(cmd, table, scene, out)


def _alter_type(cmd: Node, table: Relation, scene: Scene, out: Effect) -> None:
    column, catalog = table.columns.get(cmd.name), scene.catalog
    if column is None or table.kind == "c":
        return
    no_type(scene, out, type_name(nodes.definition(cmd).type_name))
    for one in in_the_way(catalog, [part_key(table, cmd.name, "column", catalog)], direct=True):
        if one.what in _USED and not (one.what == "trigger" and one.relation != table.name):
            out.fail(
                f"the type of {table.name}.{cmd.name} can't change: {_USED[one.what]} uses it, {obstacle_words(one)}",
                "0A000",
            )
    for policy in _policies_on(table, cmd.name):
        out.fail(f"the type of {table.name}.{cmd.name} can't change: the policy {policy} uses it", "0A000")
    for computed in table.columns.values():
        if computed.generated and cmd.name in computed.made_of:
            told = f"the type of {table.name}.{cmd.name} can't change: the generated column {computed.name} uses it"
            out.fail(told, "0A000")
    keys_of_type(cmd, table, scene, out)
    definition = nodes.definition(cmd)
    if not nodes.has(definition, "raw_default"):
        castable(column, definition, table, scene, out)


def _policies_on(table: Relation, column: str) -> list[str]:
    """The table's own policies that name a column."""
    return [
        one.part
        for one in table.dependents
        if one.kind == "y" and one.name == table.name and column in one.columns and one.part in table.policies
    ]


def _drop_column(cmd: Node, table: Relation, scene: Scene, out: Effect) -> None:
    if nodes.cascades(cmd) or cmd.name not in table.columns:
        return
    catalog = scene.catalog
    words = [obstacle_words(one) for one in in_the_way(catalog, [part_key(table, cmd.name, "column", catalog)])]
    words += [
        f"the view {one.name}"
        for one in table.dependents
        if not words and one.kind in {"v", "m"} and cmd.name in one.columns and catalog.known(one.name) is not None
    ]
    words += [
        f"the rule {one.part} of {one.name}" if one.kind == "rule" else f"the function {one.name}({one.part})"
        for one in table.dependents
        if not words and one.kind in {"rule", "f"} and cmd.name in one.columns and depends_still(catalog, one)
    ]
    words += [
        f"the generated column {one.name}"
        for one in table.columns.values()
        if one.generated and cmd.name in one.made_of
    ]
    words += [
        f"the foreign key {key.name} of {key.table}"
        for index in table.indexes
        if not words and cmd.name in index.columns
        for key in keys_by(catalog, table, index)
        if key.table != table.name
    ]
    words += [f"the policy {policy}" for policy in _policies_on(table, cmd.name)]
    words += [
        f"the publication {name}"
        for name, one in catalog.published.items()
        if table.name in one.tables
        and cmd.name in one.columns.get(table.name, frozenset()) | one.filters.get(table.name, frozenset())
    ]
    words += [
        f"the foreign key {key.name} of {key.table}"
        for key in catalog.incoming(table.name)
        if not words and cmd.name in key.referenced_columns and key.table != table.name and not key.inherited
    ]
    refuse(out, f"{table.name}.{cmd.name}", words)


def _drop_constraint(cmd: Node, table: Relation, scene: Scene, out: Effect) -> None:
    if nodes.cascades(cmd):
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
    column = table.columns.get(cmd.name)
    if any(index.primary and cmd.name in index.keys for index in table.indexes):
        out.fail(f"{cmd.name} is in the primary key of {table.name}", "42P16")
    elif column is not None and column.identity:
        out.fail(f"{table.name}.{cmd.name} is an identity column: it stays NOT NULL", "42601")


def _default(cmd: Node, table: Relation, scene: Scene, out: Effect) -> None:
    column = table.columns.get(cmd.name)
    if column is not None and column.generated and table.kind in "rpf":
        out.fail(f"{table.name}.{cmd.name} is a generated column: it has no default", "42601")
    elif column is not None and column.identity:
        out.fail(f"{table.name}.{cmd.name} is an identity column: it has no default", "42601")
    elif nodes.has(cmd, "def"):
        default_fits(cmd.name, nodes.raw_definition(cmd), table, scene, out)
        for name in named_in(nodes.raw_definition(cmd)):
            scene.absent(name, out)


def _add_identity(cmd: Node, table: Relation, scene: Scene, out: Effect) -> None:
    column = table.columns.get(cmd.name)
    if column is None:
        return
    if column.identity:
        out.fail(f"{table.name}.{cmd.name} is an identity column already", "55000")
    elif not column.not_null:
        out.fail(f"{table.name}.{cmd.name} must be NOT NULL to become an identity column", "55000")
    elif column.has_default:
        out.fail(f"{table.name}.{cmd.name} has a default: it can't become an identity column", "55000")


def _of_identity(cmd: Node, table: Relation, scene: Scene, out: Effect) -> None:
    column = table.columns.get(cmd.name)
    if column is not None and not column.identity and not cmd.missing_ok:
        out.fail(f"{table.name}.{cmd.name} is not an identity column", "55000")


def _of_generated(cmd: Node, table: Relation, scene: Scene, out: Effect) -> None:
    column = table.columns.get(cmd.name)
    if column is not None and not column.generated and not cmd.missing_ok:
        out.fail(f"{table.name}.{cmd.name} is not a generated column", "55000")


def _switch_trigger(cmd: Node, table: Relation, scene: Scene, out: Effect) -> None:
    if cmd.name and not any(trigger.name == cmd.name for trigger in table.triggers):
        out.fail(f"{table.name} has no trigger {cmd.name}", "42704")


def _add_column(cmd: Node, table: Relation, scene: Scene, out: Effect) -> None:
    definition = nodes.definition(cmd)
    if cmd.missing_ok and definition.colname in table.columns:
        return
    for item in definition.constraints:
        if nodes.enum_name("ConstrType", item.constraint.contype) == "CONSTR_GENERATED":
            _generated_of(item.constraint.raw_expr, table, out)
            immutable(item.constraint.raw_expr, table, scene, out, "a generated column")
    if (written := type_name(definition.type_name)).name not in SERIALS:
        no_type(scene, out, written)
    if (written.schema or table.name.schema, written.name) == table.name and written.name not in builtin_types():
        out.fail(f"a column of {table.name} can't be of the table's own row type", "42P16")
    kinds = {nodes.enum_name("ConstrType", item.constraint.contype) for item in definition.constraints}
    made = Column(
        definition.colname, written.name if not written.array else "", type_schema=written.schema or "pg_catalog"
    )
    known = replace(table, columns={**table.columns, definition.colname: made})
    for item in definition.constraints:
        if (
            nodes.enum_name("ConstrType", item.constraint.contype) == "CONSTR_DEFAULT"
            and written.name in builtin_types()
        ):
            default_fits(definition.colname, item.constraint.raw_expr, known, scene, out)
    if "CONSTR_PRIMARY" in kinds and any(index.primary for index in table.indexes):
        out.fail(f"{table.name} has a primary key already", "42P16")


def _generated_of(expression: Node, table: Relation, out: Effect) -> None:
    """A generated column can't be computed of another one."""
    for inner in nodes.walk(expression, without="SubLink"):
        name = nodes.strings(inner.fields)[-1:] if nodes.kind(inner) == "ColumnRef" else []
        column = table.columns.get(name[0]) if name else None
        if column is not None and column.generated:
            told = Refusal(
                f"a generated column can't be made of {table.name}.{column.name}, which is one itself", "42P17"
            )
            out.fail(told)


def _storage(cmd: Node, table: Relation, scene: Scene, out: Effect) -> None:
    column = table.columns.get(cmd.name)
    written = "".join(nodes.strings([nodes.raw_definition(cmd)])).lower()
    fixed = column is not None and column.type_schema == "pg_catalog" and column.type in _FIXED
    if fixed and written in {"external", "extended", "main"}:
        out.fail(f"{table.name}.{cmd.name} is of a fixed size: its storage is PLAIN", "0A000")


def _alter_constraint(cmd: Node, table: Relation, scene: Scene, out: Effect) -> None:
    name = nodes.definition(cmd).conname
    if any(index.constraint == name for index in table.indexes):
        out.fail(f"the constraint {name} of {table.name} is not a foreign key: it stays", "42809")


def _add_constraint(cmd: Node, table: Relation, scene: Scene, out: Effect) -> None:
    constraint = nodes.definition(cmd)
    kind = nodes.enum_name("ConstrType", constraint.contype)
    taken = {key.name for key in table.foreign_keys} | {check.name for check in table.checks}
    taken |= {index.constraint for index in table.indexes if index.constraint}
    if constraint.conname and constraint.conname in taken:
        out.fail(f"{table.name} has a constraint {constraint.conname} already", "42710")
    if kind == "CONSTR_PRIMARY" and any(index.primary for index in table.indexes):
        out.fail(f"{table.name} has a primary key already", "42P16")
    if kind in {"CONSTR_PRIMARY", "CONSTR_UNIQUE"}:
        no_column(out, table, nodes.strings(constraint.keys))
        if constraint.indexname:
            _using_index(constraint.indexname, table, out)
        elif constraint.conname:
            name_taken(scene, out, Name(table.name.schema, constraint.conname))
    elif kind == "CONSTR_FOREIGN":
        no_column(out, table, nodes.strings(constraint.fk_attrs))
        _references(constraint, table, scene, out)
    elif kind == "CONSTR_EXCLUSION":
        for item in constraint.exclusions:
            operator_class(item.list.items[0].index_elem, constraint.access_method or "gist", table, scene, out)
    elif kind == "CONSTR_CHECK":
        checked(constraint.raw_expr, table, out, "a CHECK")
        plain = constraint.raw_expr.column_ref if constraint.raw_expr.WhichOneof("node") == "column_ref" else None
        column = table.columns.get(nodes.strings(plain.fields)[-1]) if plain is not None else None
        if column is not None and column.type_schema == "pg_catalog" and column.type not in {"", "bool"}:
            out.fail(f"{table.name}.{column.name} is not boolean: it can't be a CHECK", "42804")
        kind = kind_of(constraint.raw_expr, of_columns(table.columns))
        if column is None and kind not in {"", LITERAL, "bool"}:
            out.fail(f"a CHECK of {table.name} is {kind}, and not boolean", "42804")


def checked(expression: Node, table: Relation, out: Effect, what: str) -> None:
    """An expression on one table's row alone: in a CHECK, an index, a generated column."""
    found = list(nodes.walk(expression))
    if any(nodes.kind(inner) == "SubLink" for inner in found):
        out.fail(f"{what} can't have a subquery", "0A000")
        return
    for inner in found:
        if nodes.kind(inner) == "A_Expr" and (told := no_operator(inner, of_columns(table.columns))):
            out.fail(told)
    plain = [inner for inner in found if nodes.kind(inner) == "ColumnRef" and len(inner.fields) == 1]
    names = [name for inner in plain for name in nodes.strings(inner.fields)]
    no_column(out, table, (name for name in names if name != table.name.relation))


def _using_index(name: str, table: Relation, out: Effect) -> None:
    index = next((one for one in table.indexes if one.name.relation == name), None)
    if index is None:
        out.fail(f"{table.name} has no index {name}", "42704")
    elif index.constraint:
        out.fail(f"{name} belongs to the constraint {index.constraint} already", "55000")
    elif not index.unique or not index.whole:
        why = "is not unique" if not index.unique else "has expressions or a WHERE clause"
        out.fail(f"{name} {why}: no constraint can use it", "42809")
    elif not index.valid:
        out.fail(f"{name} is not valid: no constraint can use it", "55000")


def _references(constraint: Node, table: Relation, scene: Scene, out: Effect) -> None:
    """A foreign key needs a unique index on exactly the columns that it references."""
    target = scene.catalog.get(nodes.name_of(constraint.pktable))
    if target is None or wrong_kind(scene, out, target, "rp"):
        return
    if not target.known or not target.columns or target.kind not in "rp":
        return
    columns = nodes.strings(constraint.pk_attrs)
    no_column(out, target, columns)
    theirs = columns or next((list(index.keys) for index in target.indexes if index.primary), [])
    if constraint.fk_attrs and theirs and len(constraint.fk_attrs) != len(theirs):
        told = f"the foreign key has {len(constraint.fk_attrs)} columns, and {target.name} {len(theirs)} for it"
        out.fail(told, "42830")
    if not columns and not any(index.primary for index in target.indexes):
        out.fail(f"{target.name} has no primary key to reference", "42704")
    elif columns and not any(_referable(index, set(columns)) for index in target.indexes):
        told = ", ".join(columns)
        out.fail(f"no unique constraint of {target.name} is on ({told}) alone", "42830")
    else:
        fitting = [index for index in target.indexes if (_referable(index, set(columns)) if columns else index.primary)]
        if fitting and all(index.deferrable for index in fitting):
            told = f"the unique constraint {fitting[0].constraint} of {target.name} is deferrable"
            out.fail(f"{told}: no foreign key can reference it", "55000")
        theirs = columns or next((list(index.keys) for index in target.indexes if index.primary), [])
        for one, other in zip(nodes.strings(constraint.fk_attrs), theirs, strict=False):
            unequal(table, one, target, other, out)


def _referable(index: Index, columns: set[str]) -> bool:
    return index.unique and index.whole and set(index.keys) == columns


def rename_column(node: Node, table: Relation, scene: Scene, out: Effect) -> None:
    inherited.rename_column(node, table, scene, out)
    no_column(out, table, [node.subname])
    if node.newname in table.columns and table.known:
        out.fail(f"column {node.newname} of {table.name} exists already", "42701")


def in_use(scene: Scene, out: Effect, members: Iterable[Relation], what: str) -> None:
    """Tables with deferred trigger events that wait for the end of the transaction are left alone (55006)."""
    for member in members:
        if cursor := scene.catalog.reads(member.name):
            out.fail(f"{what} is refused while the cursor {cursor} reads {member.name}", "55006")
        waits = scene.catalog.pending(member.name)
        if waits is None:
            continue
        told = f"{what} is refused while foreign keys of {member.name} wait to be checked at COMMIT"
        if waits:
            out.fail(told, "55006")
        else:
            out.notes.append(f"if rows were changed before, {told} (55006)")


def writes(node: Node, scene: Scene, out: Effect) -> None:
    """What a read-only transaction refuses: changes of all but temporary tables, and nearly all DDL (25006).

    Source: utility.c (ClassifyUtilityCommandAsReadOnly), execMain.c (ExecCheckXactReadOnly).
    """
    kind = nodes.kind(node)
    if kind in {"InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"}:
        table = scene.catalog.get(nodes.name_of(node.relation))
        refused = table is not None and table.known and table.name.schema != TEMP
    else:
        refused = kind in _WRITES
    if refused:
        out.fail("refused in a read-only transaction", "25006")


_WRITES = frozenset(
    {"AlterTableStmt", "RenameStmt", "IndexStmt", "CreateStmt", "CreateTableAsStmt", "ViewStmt", "DropStmt",
     "TruncateStmt", "CommentStmt", "GrantStmt", "CreateFunctionStmt", "CreateSchemaStmt", "CreateSeqStmt",
     "AlterSeqStmt", "CreateEnumStmt", "AlterEnumStmt", "CreateDomainStmt", "AlterDomainStmt", "CreateTrigStmt",
     "CreatePolicyStmt", "RuleStmt", "AlterOwnerStmt", "AlterObjectSchemaStmt", "RefreshMatViewStmt",
     "CompositeTypeStmt"}
)  # fmt: skip


def fresh_value(node: Node, scene: Scene, out: Effect) -> None:
    """A value that this transaction has added to an enumeration can't be used before COMMIT: as a literal that is cast,
    put into a column of that type, or compared with one."""
    for enum, value in scene.catalog.fresh_values:
        if any(used == value for used in _literals_of(node, scene, enum)):
            told = Refusal(f"the value '{value}' of {enum} can't be used before its transaction has committed", "55P04")
            out.fail(told)


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
        out.fail(f"{name} exists already", "42P07")


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
    "SET STORAGE": _storage,
    "ALTER CONSTRAINT": _alter_constraint,
    "ADD COLUMN": _add_column,
    "ADD CONSTRAINT": _add_constraint,
    "SET or DROP DEFAULT": _default,
    "ADD GENERATED AS IDENTITY": _add_identity,
    "ALTER IDENTITY": _of_identity,
    "DROP IDENTITY": _of_identity,
    "SET EXPRESSION": _of_generated,
    "DROP EXPRESSION": _of_generated,
    "ENABLE TRIGGER": _switch_trigger,
    "DISABLE TRIGGER": _switch_trigger,
}
