"""What the deploy scripts of a plan say of a column: its type, its default, and whether it is NOT NULL."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from pgmig_tui.impact import nodes
from pgmig_tui.impact.nodes import Node
from pgmig_tui.lint.state import columns_of, commands, constraint_kind, constraints_of
from pgmig_tui.project.project import Project
from pgmig_tui.review.plan_statements import relation_of, statements_in_plan
from pgmig_tui.script.given import QualifiedName, expression_text, type_text


@dataclass(frozen=True, slots=True)
class ColumnInPlan:
    """`type` and `default` as SQL, "" = none. `whole` is False where there is more to the column than that: it is
    generated, an identity, or has a collation."""

    type: str
    default: str = ""
    not_null: bool = False
    whole: bool = True


@dataclass(slots=True)
class _Columns:
    """The columns of all tables that were met so far."""

    known: dict[tuple[QualifiedName, str], ColumnInPlan] = field(default_factory=dict)

    def apply(self, node: Node) -> None:
        match nodes.kind(node):
            case "CreateStmt":
                self._created(node)
            case "AlterTableStmt":
                for kind, command in commands(node):
                    self._altered(relation_of(node.relation), kind, command)
            case "DropStmt":
                gone = [nodes.list_name(one) for one in node.objects]
                self.known = {key: one for key, one in self.known.items() if [key[0].schema, key[0].name] not in gone}
            case "RenameStmt" if node.HasField("relation"):
                self._renamed(relation_of(node.relation), node.subname, node.newname)

    def _created(self, node: Node) -> None:
        table = relation_of(node.relation)
        for column in columns_of(node):
            self.known[table, column.colname] = _column(column)
        for constraint, own in constraints_of(node):
            if constraint_kind(constraint) == "PRIMARY":
                self._not_null(table, [own] if own else nodes.strings(constraint.keys), said=True)

    def _altered(self, table: QualifiedName, kind: str, command: Node) -> None:
        key = (table, command.name)
        if kind == "AddColumn":
            definition = nodes.definition(command)
            self.known[table, definition.colname] = _column(definition)
        elif kind == "AddConstraint":
            if constraint_kind(nodes.definition(command)) == "PRIMARY":
                self._not_null(table, nodes.strings(nodes.definition(command).keys), said=True)
        elif kind in ("SetNotNull", "DropNotNull"):
            self._not_null(table, [command.name], said=kind == "SetNotNull")
        elif key not in self.known:
            return
        elif kind == "DropColumn":
            del self.known[key]
        elif kind == "AlterColumnType":
            self.known[key] = replace(self.known[key], type=type_text(nodes.definition(command).type_name))
        elif kind == "ColumnDefault":
            default = expression_text(nodes.raw_definition(command)) if command.HasField("def") else ""
            self.known[key] = replace(self.known[key], default=default)
        elif kind in ("AddIdentity", "DropIdentity", "DropExpression", "SetExpression"):
            self.known[key] = replace(self.known[key], whole=False)

    def _not_null(self, table: QualifiedName, columns: list[str], *, said: bool) -> None:
        for column in columns:
            if (table, column) in self.known:
                self.known[table, column] = replace(self.known[table, column], not_null=said)

    def _renamed(self, table: QualifiedName, column: str, name: str) -> None:
        def now(key: tuple[QualifiedName, str]) -> tuple[QualifiedName, str]:
            if key[0] != table or (column and key[1] != column):
                return key
            return (table, name) if column else (table.beside(name), key[1])

        self.known = {now(key): one for key, one in self.known.items()}


def _column(column: Node) -> ColumnInPlan:
    found = ColumnInPlan(type_text(column.type_name), whole=not column.HasField("coll_clause"))
    for one in column.constraints:
        kind = constraint_kind(one.constraint)
        if kind == "DEFAULT":
            found = replace(found, default=expression_text(one.constraint.raw_expr))
        elif kind == "NOTNULL":
            found = replace(found, not_null=True)
        elif kind in ("IDENTITY", "GENERATED"):
            found = replace(found, whole=False)
    return found


def column_in_plan(project: Project, table: QualifiedName, column: str) -> ColumnInPlan | None:
    """By all deploy scripts of the plan, in their order; None where they don't make it. Raises ProjectError for one
    that can't be read."""
    renames = [
        (str(node.relation.relname), str(node.newname))
        for node in statements_in_plan(project, lambda text: "rename" in text)
        if nodes.kind(node) == "RenameStmt" and node.HasField("relation") and not node.subname
    ]
    names = {table.name}
    for old, new in reversed(renames):
        names |= {old} if new in names else set()
    found = _Columns()
    for node in statements_in_plan(project, lambda text: any(name.lower() in text for name in names)):
        found.apply(node)
    return found.known.get((table, column))
