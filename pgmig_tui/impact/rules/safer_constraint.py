"""How constraints are added while everybody goes on."""

from __future__ import annotations

from pgmig_tui.impact import nodes
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.rules.safer_alter import Draft, Edit, OfColumn, adding
from pgmig_tui.impact.safer import ALONE, LATER, THEN, SaferStep, Unwritable, copied, sql_of
from pgmig_tui.script.quoting import quote


def not_valid(position: int, name: str) -> Edit:
    """ADD CONSTRAINT of a FOREIGN KEY or CHECK, validated afterwards. `name` is what the server would call it."""

    def edit(draft: Draft) -> None:
        constraint = nodes.definition(draft.command(position))
        _unvalidated(draft, constraint, name)

    return edit


def column_not_valid(position: int, own: OfColumn, column: str, name: str) -> Edit:
    """The same where it stands at a new column: it becomes one of the table."""

    def edit(draft: Draft) -> None:
        constraint = copied(own.constraint)
        if own.kind == "CONSTR_FOREIGN":
            constraint.fk_attrs.add().string.sval = column
        _unvalidated(draft, constraint, name)
        draft.take_out(position, own)
        draft.commands[position].append(adding(constraint))

    return edit


def _unvalidated(draft: Draft, constraint: Node, name: str) -> None:
    constraint.conname = constraint.conname or name
    constraint.skip_validation = True
    constraint.initially_valid = False
    draft.made.add(constraint.conname)
    draft.after.append(SaferStep(draft.alter(f"VALIDATE CONSTRAINT {quote(constraint.conname)}"), LATER))


def using_index(position: int, name: str, keys: tuple[str, ...], nullable: tuple[str, ...]) -> Edit:
    """ADD UNIQUE or PRIMARY KEY whose index is built before, concurrently. `name` is what the server would call it,
    `nullable` are keys that may be NULL yet."""

    def edit(draft: Draft) -> None:
        constraint = nodes.definition(draft.command(position))
        index, build = _index(draft, constraint, name, keys)
        added = draft.adds & set(keys)
        cleanup: list[SaferStep] = []
        if added:  # the columns are made by this statement
            draft.commands[position] = []
        for column in nullable:
            steps, rest = not_null_steps(draft, column)
            draft.before += steps
            cleanup += rest
        (draft.after if added else draft.before).append(build)
        _use(constraint, index)
        if added:
            draft.after.append(SaferStep(draft.alter(adding(constraint)), THEN))
        draft.after += cleanup

    return edit


def column_using_index(position: int, name: str, own: OfColumn, column: str) -> Edit:
    """The same of a UNIQUE or PRIMARY KEY that stands at a new column."""

    def edit(draft: Draft) -> None:
        constraint = copied(own.constraint)
        index, build = _index(draft, constraint, name, (column,))
        draft.take_out(position, own)
        _use(constraint, index)
        draft.after += [build, SaferStep(draft.alter(adding(constraint)), THEN)]

    return edit


def _index(draft: Draft, constraint: Node, name: str, keys: tuple[str, ...]) -> tuple[str, SaferStep]:
    """The name of the index, and CREATE UNIQUE INDEX CONCURRENTLY with all that the constraint says of it."""
    if constraint.without_overlaps:
        raise Unwritable("WITHOUT OVERLAPS has no form with an index that is there")
    draft.needs_the_table()
    constraint.conname = constraint.conname or name
    index = draft.free((constraint.conname,), "new") if draft.drops(constraint.conname) else constraint.conname
    tree = copied(nodes.parse("CREATE UNIQUE INDEX CONCURRENTLY i ON t (c)")[0])
    tree.idxname = index
    tree.relation.CopyFrom(draft.node.relation)
    tree.relation.inh = True
    element = copied(tree.index_params[0])
    del tree.index_params[:]
    for key in keys:
        element.index_elem.name = key
        tree.index_params.append(copied(element))
    for column in nodes.strings(constraint.including):
        element.index_elem.name = column
        tree.index_including_params.append(copied(element))
    tree.nulls_not_distinct = constraint.nulls_not_distinct
    tree.options.extend(constraint.options)
    tree.table_space = constraint.indexspace
    return index, SaferStep(sql_of(tree), ALONE)


def _use(constraint: Node, index: str) -> None:
    """Turn the constraint into one with USING INDEX."""
    for part in ("keys", "including", "options"):
        del getattr(constraint, part)[:]
    constraint.indexspace = ""
    constraint.nulls_not_distinct = False
    constraint.indexname = index


def not_null_steps(draft: Draft, column: str, name: str = "") -> tuple[list[SaferStep], list[SaferStep]]:
    """What proves that a column has no NULL while everybody goes on, and what is to be done after SET NOT NULL.

    From 18 on the proof is a NOT NULL constraint itself, and SET NOT NULL is not needed any more; `name` is that of the
    statement for it. Without a server it is a CHECK, which every version takes for a proof.
    """
    table = draft.table
    waiting = next((one for one in table.checks if one.kind == "n" and column in one.columns and not one.valid), None)
    if waiting is not None:
        return [SaferStep(draft.alter(f"VALIDATE CONSTRAINT {quote(waiting.name)}"))], []
    below = not draft.node.relation.inh and (table.children or not draft.scene.catalog.live)
    if has_not_null_constraints(draft):
        if below:
            raise Unwritable("ONLY of a table with children")
        proof = quote(name or draft.free((column,), "not_null"))
        return [
            SaferStep(draft.alter(f"ADD CONSTRAINT {proof} NOT NULL {quote(column)} NOT VALID")),
            SaferStep(draft.alter(f"VALIDATE CONSTRAINT {proof}"), LATER),
        ], []
    if name and not draft.scene.catalog.live:
        raise Unwritable("the name of a NOT NULL can't be kept by every version")
    proof = quote(draft.free((column,), "is_not_null"))
    check = f"ADD CONSTRAINT {proof} CHECK ({quote(column)} IS NOT NULL){' NO INHERIT' if below else ''} NOT VALID"
    return [
        SaferStep(draft.alter(check)),
        SaferStep(draft.alter(f"VALIDATE CONSTRAINT {proof}"), LATER),
    ], [SaferStep(draft.alter(f"DROP CONSTRAINT {proof}"), THEN)]


def has_not_null_constraints(draft: Draft) -> bool:
    return draft.scene.catalog.live and draft.scene.major >= 18


def set_not_null(position: int, column: str) -> Edit:
    """SET NOT NULL of a column that is proven to have no NULL."""

    def edit(draft: Draft) -> None:
        if column in draft.adds:
            raise Unwritable("the column is made by this statement")
        steps, rest = not_null_steps(draft, column)
        draft.before += steps
        if not rest:
            draft.commands[position] = []  # it is done
        draft.after += rest

    return edit
