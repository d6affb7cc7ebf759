"""How a column gets values, or another type, while everybody goes on."""

from __future__ import annotations

from pgmig_tui.impact import nodes
from pgmig_tui.impact.facts import Relation
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.rules.safer_alter import Draft, Edit, OfColumn, setting_default
from pgmig_tui.impact.rules.safer_constraint import not_null_steps
from pgmig_tui.impact.safer import (
    BATCHES,
    THEN,
    SaferStep,
    Unwritable,
    beside,
    copied,
    expression_text,
    free_name,
    taken_in,
)
from pgmig_tui.script.quoting import quote, quote_literal

FILL_FIRST = "-- when every row has its value:"
_STORED_AS = {"int2": "smallint", "int4": "integer", "int8": "bigint"}


def filled_later(position: int, column: str, constraints: list[OfColumn], *, of_domain: bool) -> Edit:
    """ADD COLUMN whose volatile default every row gets: the column without, the default, then the rows.

    `of_domain`: its type is a domain with a default of its own, which DEFAULT NULL keeps away.
    """

    def edit(draft: Draft) -> None:
        _updatable(draft)
        default = next((one for one in constraints if one.kind == "CONSTR_DEFAULT"), None)
        if default is not None:
            draft.take_out(position, default)
        command = draft.command(position)
        if of_domain:
            _default_null(nodes.definition(command))
        if default is not None:
            draft.commands[position].append(setting_default(column, default.constraint.raw_expr))
        elif of_domain:
            draft.fills.append(SaferStep(draft.alter(f"ALTER COLUMN {quote(column)} DROP DEFAULT"), THEN))
        _fill(draft, position, column, constraints)

    return edit


def _default_null(definition: Node) -> None:
    sample = nodes.parse("ALTER TABLE t ADD COLUMN c int DEFAULT NULL")[0].cmds[0].alter_table_cmd
    definition.constraints.extend(nodes.definition(sample).constraints)


def _fill(draft: Draft, position: int, column: str, constraints: list[OfColumn]) -> None:
    """The values, and then NOT NULL where the column is to have it."""
    only = "" if draft.node.relation.inh else "ONLY "
    name = quote(column)
    draft.fills.append(SaferStep(f"UPDATE {only}{draft.name} SET {name} = DEFAULT WHERE {name} IS NULL", BATCHES))
    wanted = next((one for one in constraints if one.kind in {"CONSTR_NOTNULL", "CONSTR_PRIMARY"}), None)
    if wanted is not None:
        _then_not_null(draft, position, column, wanted)


def _then_not_null(draft: Draft, position: int, column: str, wanted: OfColumn, first: str = "") -> None:
    named = ""
    if wanted.kind == "CONSTR_NOTNULL":
        draft.take_out(position, wanted)
        named = wanted.constraint.conname
    steps, rest = not_null_steps(draft, column, named)
    if first:
        steps[0] = SaferStep(steps[0].sql, first)
    draft.fills += steps
    if rest:
        draft.fills += [SaferStep(draft.alter(f"ALTER COLUMN {quote(column)} SET NOT NULL"), THEN), *rest]


def _updatable(draft: Draft) -> None:
    """Whether an UPDATE of all rows does what it says."""
    if any(rule != "_RETURN" for rule in draft.table.rules):
        raise Unwritable("rules stand in the way of an UPDATE")
    draft.needs_the_table()


def not_null_later(position: int, column: str, wanted: OfColumn) -> Edit:
    """ADD COLUMN ... NOT NULL without a default: NOT NULL when the rows have values, which only its author knows."""

    def edit(draft: Draft) -> None:
        _then_not_null(draft, position, column, wanted, FILL_FIRST)

    return edit


def serial_later(position: int, column: str, stored: str, constraints: list[OfColumn]) -> Edit:
    """ADD COLUMN ... serial: a sequence, the column with it for a default, then the rows.

    `stored` is the internal name of the column's type.
    """

    def edit(draft: Draft) -> None:
        _updatable(draft)
        table = draft.table
        if table.persistence != "p" or draft.node.missing_ok or table.kind == "p":
            raise Unwritable("its sequence would not be the same")
        sequence = free_name(table.name.relation, (column,), "seq", taken_in(draft.scene.catalog, table))
        own = beside(draft.node.relation, sequence)
        draft.before.append(SaferStep(f"CREATE SEQUENCE {own} AS {_STORED_AS[stored]}"))
        role = draft.scene.catalog.facts.role
        if table.owner and role and table.owner != role:
            draft.before.append(SaferStep(f"ALTER SEQUENCE {own} OWNER TO {quote(table.owner)}"))
        definition = nodes.definition(draft.command(position))
        _type_is(definition.type_name, stored)
        default = nodes.parse(f"SELECT nextval({quote_literal(own)}::regclass)")[0].target_list[0].res_target.val
        draft.commands[position].append(setting_default(column, default))
        draft.fills.append(SaferStep(f"ALTER SEQUENCE {own} OWNED BY {draft.name}.{quote(column)}"))
        wanted = next((one for one in constraints if one.kind in {"CONSTR_NOTNULL", "CONSTR_PRIMARY"}), None)
        _fill(draft, position, column, [one for one in constraints if one is wanted])
        if wanted is None:  # serial is NOT NULL without saying so
            steps, rest = not_null_steps(draft, column)
            draft.fills += steps
            if rest:
                draft.fills += [SaferStep(draft.alter(f"ALTER COLUMN {quote(column)} SET NOT NULL"), THEN), *rest]

    return edit


def _type_is(type_name: Node, internal: str) -> None:
    del type_name.names[:]
    for part in ("pg_catalog", internal):
        type_name.names.add().string.sval = part


def type_later(column: str, table: Relation) -> Edit:
    """ALTER COLUMN ... TYPE of a column on which nothing hangs: another column, kept in step, that takes its name."""

    def edit(draft: Draft) -> None:
        if len(draft.node.cmds) > 1:
            raise Unwritable("other subcommands may be about the column")
        _updatable(draft)
        _alone(draft, column, table)
        _swap(draft, column, f"{column}_new")

    return edit


def _alone(draft: Draft, column: str, table: Relation) -> None:
    """Whether a new column would be all that the old one was."""
    known = table.columns.get(column)
    if known is None or not known.bare or known.has_default or known.identity or known.generated:
        raise Unwritable("something hangs on the column")
    if table.kind != "r" or table.is_partition or table.children or table.parents or table.of_type:
        raise Unwritable("the column is not this table's alone")
    if any(trigger.per_row for trigger in table.triggers):
        raise Unwritable("triggers may change the row behind ours")
    if f"{column}_new" in table.columns or not draft.node.relation.inh:
        raise Unwritable("its name is taken")


def _swap(draft: Draft, column: str, fresh: str) -> None:
    definition = nodes.definition(draft.command(0))
    sample = nodes.parse("ALTER TABLE t ADD COLUMN c int")[0].cmds[0].alter_table_cmd
    adding = copied(sample)
    wanted = nodes.definition(adding)
    wanted.colname = fresh
    wanted.type_name.CopyFrom(definition.type_name)
    if nodes.has(definition, "coll_clause"):
        wanted.coll_clause.CopyFrom(definition.coll_clause)
    draft.commands[0] = [adding]
    using = definition.raw_default if nodes.has(definition, "raw_default") else _reference(column)
    expression = expression_text(using)
    routine = beside(draft.node.relation, draft.free((fresh,), "sync"))
    trigger = quote(draft.free((fresh,), "trigger"))
    new = quote(fresh)
    body = f"BEGIN NEW.{new} := {expression_text(_of_row(using, 'new'))}; RETURN NEW; END"
    draft.fills += [
        SaferStep(f"CREATE FUNCTION {routine}() RETURNS trigger LANGUAGE plpgsql AS {quote_literal(body)}", THEN),
        SaferStep(
            f"CREATE TRIGGER {trigger} BEFORE INSERT OR UPDATE ON {draft.name} FOR EACH ROW "
            f"EXECUTE FUNCTION {routine}()",
            THEN,
        ),
        SaferStep(f"UPDATE {draft.name} SET {new} = {expression} WHERE {new} IS NULL", BATCHES),
    ]
    renamed: list[str] = []
    if draft.table.columns[column].not_null:
        steps, rest = not_null_steps(draft, fresh)
        draft.after += steps
        if rest:
            draft.after += [SaferStep(draft.alter(f"ALTER COLUMN {new} SET NOT NULL"), THEN), *rest]
        else:
            renamed = _not_null_names(draft, column, fresh)
    swap = "-- and then, in one short transaction:"
    draft.after += [
        SaferStep("BEGIN", swap),
        SaferStep(f"DROP TRIGGER {trigger} ON {draft.name}", swap),
        SaferStep(f"DROP FUNCTION {routine}()", swap),
        SaferStep(draft.alter(f"DROP COLUMN {quote(column)}"), swap),
        SaferStep(draft.alter(f"RENAME COLUMN {new} TO {quote(column)}"), swap),
        *(SaferStep(sql, swap) for sql in renamed),
        SaferStep("COMMIT", swap),
    ]


def _not_null_names(draft: Draft, column: str, fresh: str) -> list[str]:
    """From 18 on NOT NULL has a name, which is to be that of the old column's."""
    old = next((one.name for one in draft.table.checks if one.kind == "n" and column in one.columns), "")
    new = next((name for name in draft.made if name.endswith("_not_null")), "")
    return [draft.alter(f"RENAME CONSTRAINT {quote(new)} TO {quote(old)}")] if old and new else []


def _reference(column: str) -> Node:
    node = copied(nodes.parse("SELECT c")[0].target_list[0].res_target.val)
    node.column_ref.fields[0].string.sval = column
    return node


def _of_row(expression: Node, row: str) -> Node:
    """The expression with its columns taken of a row variable. Raises Unwritable where it holds a query."""
    tree = copied(expression)
    for inner in nodes.walk(tree):
        if nodes.kind(inner) == "SubLink":
            raise Unwritable("a query in USING")
        if nodes.kind(inner) == "ColumnRef":
            names = nodes.strings(inner.fields)
            if not names or len(names) != len(inner.fields):
                raise Unwritable("the whole row in USING")
            del inner.fields[:]
            for part in (row, names[-1]):
                inner.fields.add().string.sval = part
    return tree
