"""What a statement changes of what the rules know of its script."""

from __future__ import annotations

from pgmig_tui.impact import nodes
from pgmig_tui.impact.nodes import Node
from pgmig_tui.lint.state import (
    Kind,
    LintState,
    columns_of,
    commands,
    constraint_kind,
    dotted,
    is_temporary,
    relation_name,
)
from pgmig_tui.script.preview import Preview
from pgmig_tui.script.statement import Statement


def begun(kind: Kind, view: Preview) -> LintState:
    """Before the first statement; what later ones create (indexes, keys) is known by then."""
    first = view.statements[0] if view.statements else Statement(view.path, 1, 1, "")
    state = LintState(kind, first)
    for one in view.statements:
        if one.keywords in ("CREATE INDEX", "ALTER TABLE", "CREATE POLICY"):
            for tree in one.nodes:
                _survey(nodes.statement(tree), state)
    return state


def _survey(node: Node, state: LintState) -> None:
    if nodes.kind(node) == "IndexStmt":
        keys = tuple(item.index_elem.name for item in node.index_params)
        state.indexes.setdefault(relation_name(node.relation), set()).add(keys)
    elif nodes.kind(node) == "CreatePolicyStmt":
        state.policies.add(relation_name(node.table))
    elif nodes.kind(node) == "AlterTableStmt":
        table = relation_name(node.relation)
        for kind, command in commands(node):
            if kind == "AddConstraint":
                constraint = nodes.definition(command)
                if constraint_kind(constraint) in ("PRIMARY", "UNIQUE"):
                    state.indexes.setdefault(table, set()).add(tuple(nodes.strings(constraint.keys)))
                if constraint_kind(constraint) == "PRIMARY":
                    state.later.add(f"{table} key")


def advance(state: LintState, node: Node) -> None:
    """The statement has run."""
    kind = nodes.kind(node)
    altered = ""
    if kind == "CreateStmt":
        _made(state, node)
    elif kind == "AlterTableStmt":
        altered = relation_name(node.relation)
        _altered(state, node, altered)
    elif kind == "CreateTableAsStmt":
        state.made.add(relation_name(node.into.rel))
    elif kind == "ViewStmt":
        state.made.add(relation_name(node.view))
    elif kind == "CreateSeqStmt":
        state.made.add(relation_name(node.sequence))
    elif kind == "CreateFunctionStmt":
        state.made.add(dotted(nodes.strings(node.funcname)))
    elif kind in ("CreateEnumStmt", "CreateDomainStmt", "CreateRangeStmt"):
        state.made.add(dotted(nodes.strings(node.domainname if kind == "CreateDomainStmt" else node.type_name)))
    elif kind == "CompositeTypeStmt":
        state.made.add(relation_name(node.typevar))
    elif kind == "CreateSchemaStmt":
        state.made.add(node.schemaname)
    elif kind == "CreateTrigStmt":
        state.made.add(f"{relation_name(node.relation)}.{node.trigname}")
    elif kind == "DropStmt":
        state.dropped.update(dotted(nodes.list_name(one)) for one in node.objects)
        state.made.difference_update(state.dropped)
    elif kind in ("UpdateStmt", "DeleteStmt"):
        state.written.add(relation_name(node.relation))
    elif kind == "VariableSetStmt" and node.name == "search_path":
        state.path = " ".join(nodes.constant(one) or "" for one in node.args)
    state.last_altered = altered


def _made(state: LintState, node: Node) -> None:
    name = relation_name(node.relation)
    state.made.add(name)
    state.dropped.discard(name)
    state.made_columns.update(f"{name}.{column.colname}" for column in columns_of(node))
    if is_temporary(node.relation):
        state.temporary.add(node.relation.relname)


def _altered(state: LintState, node: Node, table: str) -> None:
    if state.in_transaction:
        state.altered.add(table)
    for kind, command in commands(node):
        if kind == "AddColumn":
            state.made_columns.add(f"{table}.{nodes.definition(command).colname}")
        elif kind == "SetNotNull":
            state.not_null.add(table)
        elif kind == "AddConstraint" and state.in_transaction:
            constraint = nodes.definition(command)
            if constraint.skip_validation and not state.new(table):
                state.not_valid.add(f"{table}.{constraint.conname}")
