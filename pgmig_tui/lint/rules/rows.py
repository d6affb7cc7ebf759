"""Rows that are there already: whether they were thought of, in which order, and at what price."""

from __future__ import annotations

from typing import Final

from pgmig_tui.impact import nodes
from pgmig_tui.impact.nodes import Node
from pgmig_tui.lint.rule import Rule, rule
from pgmig_tui.lint.state import Hit, Hits, LintState, commands, constraint_kind, relation_name

_ADD = "ALTER TABLE app.t ADD CONSTRAINT k CHECK (c > 0) NOT VALID;"

RULES: Final[tuple[Rule, ...]] = (
    rule(
        "data-after-constraint", "error", "rows that are mended after the constraint that they break",
        "The constraint looks at the rows first: where one breaks it, the deploy fails before it comes to the UPDATE.",
        "Put the statement that mends the rows before the constraint, in a change of its own where they are many.",
        "ALTER TABLE app.t ALTER COLUMN c SET NOT NULL;\nUPDATE app.t SET c = 0 WHERE c IS NULL;",
        "UPDATE app.t SET c = 0 WHERE c IS NULL;\nALTER TABLE app.t ALTER COLUMN c SET NOT NULL;",
    ),
    rule(
        "data-unhandled", "info", "a constraint on rows that nobody has looked at",
        "A single row that breaks it lets the deploy fail, on production perhaps for the first time.",
        "Mend the rows before it, or add it NOT VALID, mend them, and VALIDATE it in a later change.",
        "ALTER TABLE app.t ADD CONSTRAINT k CHECK (c > 0);", _ADD,
    ),
    rule(
        "validate-same-transaction", "warning", "VALIDATE in the transaction that has added the constraint",
        "The ACCESS EXCLUSIVE lock of ADD is held while every row is read, which NOT VALID was to avoid.",
        "VALIDATE it in a change of its own.",
        f"BEGIN;\n{_ADD}\nALTER TABLE app.t VALIDATE CONSTRAINT k;\nCOMMIT;", f"BEGIN;\n{_ADD}\nCOMMIT;",
    ),
    rule(
        "backfill-in-ddl", "warning", "rows that are changed while the table is locked",
        "ALTER TABLE has locked the table for everybody, and the rows are written before the transaction ends.",
        "Put the UPDATE into a change of its own, in batches where the table is large.",
        "BEGIN;\nALTER TABLE app.t ADD COLUMN c int;\nUPDATE app.t SET c = 0 WHERE c IS NULL;\nCOMMIT;",
        "BEGIN;\nALTER TABLE app.t ADD COLUMN c int;\nCOMMIT;",
    ),
    rule(
        "every-row", "warning", "UPDATE or DELETE without WHERE",
        "Every row is locked until the end, and the table is as large again until VACUUM has run.",
        "Say which rows; where all of them are meant, go through them in batches (pgmig-tui backfill).",
        "UPDATE app.t SET c = 0;", "UPDATE app.t SET c = 0 WHERE id = 1;",
    ),
    rule(
        "several-alters", "info", "several ALTER TABLE of one table in a row",
        "Each that reads or rewrites the table does so for itself.",
        "Write them as one ALTER TABLE with commas.",
        "ALTER TABLE app.t ADD COLUMN a int;\nALTER TABLE app.t ADD COLUMN b int;",
        "ALTER TABLE app.t ADD COLUMN a int, ADD COLUMN b int;",
    ),
)  # fmt: skip


def _alter(node: Node, state: LintState) -> Hits:
    table = relation_name(node.relation)
    fresh = state.new(table) or not state.deploys
    if not fresh and state.last_altered == table:
        yield Hit("several-alters", f"the statement before it alters {table}, too")
    for kind, command in commands(node):
        if kind == "ValidateConstraint":
            if state.in_transaction and f"{table}.{command.name}" in state.not_valid:
                yield Hit("validate-same-transaction", f"{table} is locked since {command.name} was added to it")
        elif not fresh and table not in state.written:
            yield from _looks_at_rows(kind, command, table, state)


def _looks_at_rows(kind: str, command: Node, table: str, state: LintState) -> Hits:
    what = ""
    at = -1
    if kind == "SetNotNull" and f"{table}.{command.name}" not in state.made_columns:
        what = f"NOT NULL of {command.name}"
    elif kind == "AddConstraint":
        definition = nodes.definition(command)
        which = constraint_kind(definition)
        if which in ("CHECK", "FOREIGN") and not definition.skip_validation:
            what, at = f"{definition.conname or 'the constraint'}", definition.location
        elif which in ("UNIQUE", "PRIMARY", "EXCLUSION") and not definition.indexname:
            what, at = f"{definition.conname or 'the key'}", definition.location
    if what:
        yield Hit("data-unhandled", f"a row of {table} that breaks {what} lets the deploy fail", at)
        state.constrained.setdefault(table, what)


def _changes_rows(node: Node, state: LintState) -> Hits:
    table = relation_name(node.relation)
    verb = "UPDATE" if nodes.kind(node) == "UpdateStmt" else "DELETE"
    if not state.deploys or state.new(table):
        return
    if not node.HasField("where_clause"):
        yield Hit("every-row", f"{verb} changes every row of {table}")
    if table in state.constrained:
        yield Hit("data-after-constraint", f"the rows of {table} are mended after {state.constrained[table]}")
    if state.in_transaction and table in state.altered:
        yield Hit("backfill-in-ddl", f"{table} is locked by the ALTER TABLE above until the transaction ends")


CHECKS = {"AlterTableStmt": _alter, "UpdateStmt": _changes_rows, "DeleteStmt": _changes_rows}
