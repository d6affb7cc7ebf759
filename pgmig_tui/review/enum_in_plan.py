"""What the deploy scripts of a plan say of an enum type: its values, and the columns that are of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from pgmig_tui.impact import nodes
from pgmig_tui.impact.nodes import Node
from pgmig_tui.lint.state import columns_of, commands
from pgmig_tui.project.project import Project
from pgmig_tui.review.plan_statements import relation_of, statements_in_plan
from pgmig_tui.script.given import QualifiedName


@dataclass(slots=True)
class EnumInPlan:
    """`labels` in their order, empty where no script makes the type. `used_by` are the columns of it, each with its
    default value, "" = none."""

    type: QualifiedName
    labels: list[str] = field(default_factory=list)
    used_by: dict[tuple[QualifiedName, str], str] = field(default_factory=dict)

    def _is(self, parts: list[str]) -> bool:
        return parts == [self.type.schema, self.type.name] or (
            self.type.schema == "public" and parts == [self.type.name]
        )

    def apply(self, node: Node) -> None:
        """What a statement makes of it."""
        match nodes.kind(node):
            case "CreateEnumStmt" if self._is(nodes.strings(node.type_name)):
                self.labels = nodes.strings(node.vals)
            case "AlterEnumStmt" if self._is(nodes.strings(node.type_name)):
                self._altered(node)
            case "CreateStmt":
                for column in columns_of(node):
                    self._column(relation_of(node.relation), column)
            case "AlterTableStmt":
                for kind, command in commands(node):
                    if kind == "AddColumn":
                        self._column(relation_of(node.relation), nodes.definition(command))
                    elif kind == "DropColumn":
                        self.used_by.pop((relation_of(node.relation), command.name), None)
            case "DropStmt":
                gone = [nodes.list_name(one) for one in node.objects]
                self.used_by = {
                    key: value for key, value in self.used_by.items() if [key[0].schema, key[0].name] not in gone
                }
            case "RenameStmt" if node.HasField("relation"):
                self._renamed(relation_of(node.relation), node.subname, node.newname)

    def _altered(self, node: Node) -> None:
        if node.old_val:
            self.labels = [node.new_val if one == node.old_val else one for one in self.labels]
        elif node.new_val not in self.labels:
            beside = node.new_val_neighbor
            place = (
                self.labels.index(beside) + bool(node.new_val_is_after) if beside in self.labels else len(self.labels)
            )
            self.labels.insert(place, node.new_val)

    def _column(self, table: QualifiedName, column: Node) -> None:
        if not self._is(nodes.strings(column.type_name.names)) or column.type_name.array_bounds:
            return
        defaults = [
            nodes.constant(one.constraint.raw_expr)
            for one in column.constraints
            if nodes.enum_name("ConstrType", one.constraint.contype) == "CONSTR_DEFAULT"
        ]
        self.used_by[table, column.colname] = (defaults[0] or "") if defaults else ""

    def _renamed(self, table: QualifiedName, column: str, name: str) -> None:
        def now(key: tuple[QualifiedName, str]) -> tuple[QualifiedName, str]:
            if key[0] != table or (column and key[1] != column):
                return key
            return (table, name) if column else (table.beside(name), key[1])

        self.used_by = {now(key): value for key, value in self.used_by.items()}


def enum_in_plan(project: Project, name: QualifiedName) -> EnumInPlan:
    """By all deploy scripts of the plan, in their order. Raises ProjectError for one that can't be read."""
    found = EnumInPlan(name)

    def wanted(text: str) -> bool:
        return name.name.lower() in text or any(table.name.lower() in text for table, _ in found.used_by)

    for node in statements_in_plan(project, wanted):
        found.apply(node)
    return found
