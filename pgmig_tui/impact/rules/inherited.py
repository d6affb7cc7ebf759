"""What partitions and children can't have changed by themselves, and their parents without them (42P16, 42809).

Source: tablecmds.c (ATPrepAddColumn, ATExecDropColumn, renameatt_internal, ATPrepAlterColumnType, ATExecDropNotNull,
ATExecDropConstraint, MergeAttributesIntoExisting, MergeConstraintsIntoExisting), indexcmds.c (DefineIndex).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pgmig_tui.impact import nodes
from pgmig_tui.impact.effect import Effect, Scene
from pgmig_tui.impact.facts import Name, Relation
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.refusal import Refusal


def parents_of(scene: Scene, table: Relation) -> list[Relation]:
    return [parent for name in table.parents if (parent := scene.catalog.known(name)) is not None]


def inherits_column(scene: Scene, table: Relation, column: str) -> bool:
    return any(column in parent.columns for parent in parents_of(scene, table))


def refused(words: str, cmd: Node, table: Relation, scene: Scene, out: Effect, *, only: bool) -> None:
    """Why a subcommand of ALTER TABLE is refused on a partition, a child, or a parent by itself."""
    if not table.known or not scene.catalog.live or not (table.parents or table.children or table.partition_key):
        return
    check = _CHECKS.get(words)
    told = check(cmd, table, scene, only and bool(table.children)) if check is not None else ""
    if told:
        out.fail(told)


def _add_column(cmd: Node, table: Relation, scene: Scene, alone: bool) -> str:
    if table.is_partition:
        return Refusal(f"{table.name} is a partition: columns are added to its parent", "42809")
    if alone:
        return Refusal(f"a column of {table.name} must be added to what is below it, too: ONLY is refused", "42P16")
    return ""


def _drop_column(cmd: Node, table: Relation, scene: Scene, alone: bool) -> str:
    if cmd.name not in table.columns:
        return ""
    if inherits_column(scene, table, cmd.name):
        return Refusal(f"{table.name}.{cmd.name} is inherited: it is dropped by its parent alone", "42P16")
    if cmd.name in table.partition_key:
        return Refusal(f"{table.name} is partitioned by {cmd.name}: it can't be dropped", "42P16")
    if alone and table.partitioned:
        return Refusal(f"{table.name}.{cmd.name} can't be dropped of the partitioned table ONLY", "42P16")
    return ""


def rename_column(node: Node, table: Relation, scene: Scene, out: Effect) -> None:
    if not table.known or not scene.catalog.live:
        return
    if inherits_column(scene, table, node.subname):
        out.fail(f"{table.name}.{node.subname} is inherited: it is renamed by its parent alone", "42P16")
    elif table.children and not node.relation.inh:
        out.fail(f"{table.name}.{node.subname} must be renamed in what is below it, too", "42P16")


def _alter_type(cmd: Node, table: Relation, scene: Scene, alone: bool) -> str:
    if cmd.name not in table.columns:
        return ""
    if inherits_column(scene, table, cmd.name):
        return Refusal(f"{table.name}.{cmd.name} is inherited: its type changes by its parent alone", "42P16")
    if cmd.name in table.partition_key:
        return Refusal(f"{table.name} is partitioned by {cmd.name}: its type can't change", "42P16")
    if alone:
        return Refusal(f"the type of {table.name}.{cmd.name} must change in what is below it, too", "42P16")
    return ""


def _drop_not_null(cmd: Node, table: Relation, scene: Scene, alone: bool) -> str:
    column = table.columns.get(cmd.name)
    if column is None or not column.not_null:
        return ""
    for parent in parents_of(scene, table):
        theirs = parent.columns.get(cmd.name)
        if theirs is not None and theirs.not_null and (table.is_partition or scene.major >= 18):
            return Refusal(f"{table.name}.{cmd.name} is NOT NULL by its parent {parent.name}", "42P16")
    return ""


def _drop_constraint(cmd: Node, table: Relation, scene: Scene, alone: bool) -> str:
    for parent in parents_of(scene, table):
        checks = {check.name for check in parent.checks if not check.no_inherit}
        if cmd.name in checks & {check.name for check in table.checks}:
            return Refusal(f"the constraint {cmd.name} of {table.name} is inherited from {parent.name}", "42P16")
    if any(index.constraint == cmd.name and index.parent is not None for index in table.indexes) or any(
        key.name == cmd.name and key.inherited and table.is_partition for key in table.foreign_keys
    ):
        return Refusal(f"the constraint {cmd.name} of {table.name} is part of its parent's", "42P16")
    if alone and table.partitioned and any(check.name == cmd.name and not check.no_inherit for check in table.checks):
        return Refusal(
            f"the constraint {cmd.name} of {table.name} can't be dropped of the partitioned table ONLY", "42P16"
        )
    return ""


def _add_constraint(cmd: Node, table: Relation, scene: Scene, alone: bool) -> str:
    constraint = nodes.definition(cmd)
    kind = nodes.enum_name("ConstrType", constraint.contype)
    if kind in {"CONSTR_UNIQUE", "CONSTR_PRIMARY"} and not constraint.indexname:
        return lacks_partition_key(table, nodes.strings(constraint.keys))
    if kind == "CONSTR_CHECK" and alone and not constraint.is_no_inherit:
        return Refusal(f"a constraint of {table.name} must be added to what is below it, too: ONLY is refused", "42P16")
    return ""


def lacks_partition_key(table: Relation, columns: Iterable[str]) -> str:
    """Why a partitioned table can't have a unique index on these columns, "" where it can."""
    missing = [column or "an expression" for column in table.partition_key if not column or column not in set(columns)]
    if not missing:
        return ""
    return Refusal(f"{table.name} is partitioned by {', '.join(missing)}: a unique index must have that, too", "0A000")


def _set_options(cmd: Node, table: Relation, scene: Scene, alone: bool) -> str:
    return Refusal(f"{table.name} is partitioned: it has no storage parameters", "42809") if table.partitioned else ""


def below(child: Relation, parent: Relation, scene: Scene) -> str:
    """Why a table can't become a partition or child of another one as it is, "" where it can."""
    if not (child.known and parent.known and scene.catalog.live and child.columns and parent.columns):
        return ""
    for name, column in parent.columns.items():
        mine = child.columns.get(name)
        if mine is None:
            return Refusal(f"{child.name} has no column {name}, which {parent.name} has", "42804")
        if (mine.type, mine.typmod) != (column.type, column.typmod) and mine.type and column.type:
            return Refusal(f"{name} has another type in {child.name} than in {parent.name}", "42804")
        if column.not_null and not mine.not_null:
            return Refusal(f"{name} is NOT NULL in {parent.name} and not in {child.name}", "42804")
    own = {check.name for check in child.checks}
    for check in parent.checks:
        if check.kind == "c" and not check.no_inherit and check.name not in own:
            return Refusal(f"{child.name} has no constraint {check.name}, which {parent.name} has", "42804")
    return ""


def attach(child: Relation, parent: Relation, scene: Scene) -> str:
    """Why ATTACH PARTITION is refused, "" where it isn't."""
    if not child.known or not scene.catalog.live:
        return ""
    if child.is_partition:
        return Refusal(f"{child.name} is a partition already", "42809")
    if child.parents or (child.children and not child.partitioned):
        return Refusal(f"{child.name} inherits by itself: it can't become a partition", "42809")
    if told := below(child, parent, scene):
        return told
    more = [name for name in child.columns if name not in parent.columns] if parent.columns else []
    return Refusal(f"{child.name} has a column {more[0]}, which {parent.name} lacks", "42804") if more else ""


def part_of(child: Relation, parent: Relation, scene: Scene) -> str:
    """Why DETACH or NO INHERIT is refused, "" where it isn't."""
    if child.known and scene.catalog.live and parent.name not in child.parents:
        return Refusal(f"{child.name} isn't below {parent.name}", "42P01")
    return ""


def required(scene: Scene, name: Name) -> str:
    """What keeps an index from being dropped by itself: a constraint that it belongs to, an index above it."""
    found = scene.catalog.index(name)
    if found is None:
        return ""
    table, index = found
    if index.parent is not None and table.is_partition:
        return Refusal(f"{index.name} is part of the index {index.parent}", "2BP01")
    if index.constraint:
        return Refusal(f"{index.name} belongs to the constraint {index.constraint} of {table.name}", "2BP01")
    return ""


_CHECKS: dict[str, Callable[[Node, Relation, Scene, bool], str]] = {
    "ADD COLUMN": _add_column,
    "DROP COLUMN": _drop_column,
    "ALTER COLUMN TYPE": _alter_type,
    "DROP NOT NULL": _drop_not_null,
    "DROP CONSTRAINT": _drop_constraint,
    "ADD CONSTRAINT": _add_constraint,
    "SET (options)": _set_options,
}
