"""Rows of a table are inserted, changed or deleted: what its partitions, keys and triggers do about it."""

from __future__ import annotations

from pgmig_tui.impact.counting import count_fired
from pgmig_tui.impact.effect import Effect, Scene, fk_sides, lock_above, read_tables, refuse_recursion
from pgmig_tui.impact.facts import ForeignKey, Name, Relation
from pgmig_tui.impact.folding import NOTHING
from pgmig_tui.impact.modes import AS, RE, RS
from pgmig_tui.impact.result import LostData
from pgmig_tui.impact.rules.implicit_calls import defaults_of, perhaps, when_written
from pgmig_tui.impact.rules.sequences import feeding
from pgmig_tui.impact.rules.taken import take
from pgmig_tui.impact.selectivity import NOTHING as NO_ROWS

_INSTEAD = 64
"""The bit of pg_trigger.tgtype for INSTEAD OF."""


def write_table(
    scene: Scene,
    out: Effect,
    table: Relation,
    verb: str,
    columns: frozenset[str] | None,
    *,
    only: bool = False,
    given: frozenset[str] = frozenset(),
    sure: bool = False,
    harmless: bool = False,
    empty: frozenset[str] = frozenset(),
    defaulted: frozenset[str] = frozenset(),
) -> None:
    """`columns` are those that an UPDATE sets, `given` those that an INSERT names, `empty` those that get NULL,
    `defaulted` those that an UPDATE sets to DEFAULT; `sure`: it has a row, `harmless`: it takes no values."""
    if not scene.code.first(out.certainty, "write", table.name, verb, columns):
        return
    out.lock(table, RE, verb)
    ruled = [rule for rule in table.rules if rule != "_RETURN"]
    if ruled:
        out.hide(f"what the rules of {table.name} do: {', '.join(ruled)}")
        for named in table.reads:
            out.lock(scene.catalog.relation(named), RE, f"a rule of {table.name} names it", "possible")
    if table.kind == "v":
        refuse_recursion(scene, out, table)
        instead = any(trigger.kind & _INSTEAD and trigger.fires_on(verb) for trigger in table.triggers)
        if instead:  # the view is read for the rows that are there, and the triggers do the rest
            read_tables(scene, out, list(table.reads) if verb != "INSERT" else [], AS, f"behind {table.name}")
            fire_triggers(scene, out, [table], verb, columns)
        for behind in table.reads if not instead and not ruled else ():
            base = scene.catalog.relation(behind)
            if verb != "INSERT" and not harmless:
                take(scene, out, base, verb, None, whole=False)
            write_table(scene, out, base, verb, columns, harmless=harmless, defaulted=defaulted)
        return
    members = [table]
    if not only and table.children:
        below = scene.catalog.tree(table.name)[1:]
        if verb == "INSERT":
            below = below if table.partitioned else []
        for child in below:
            # Pruning and routing decide at run time which partitions are touched.
            out.lock(child, RE, f"{verb} may reach it", "possible" if table.partitioned else "certain")
        members += below
    if verb == "INSERT":
        lock_above(scene.catalog, table, out)
        for sequence, column in feeding(scene.catalog, table):
            if column not in given:
                out.lock(sequence, RE, f"feeds {table.name}.{column}", "likely")
    when_written(table, verb, given, scene, out, defaulted)
    _outgoing(scene, out, table, verb, columns, sure, empty)
    _incoming(scene, out, table, verb, columns)
    fire_triggers(scene, out, members, verb, columns, sure=sure)


def fire_triggers(
    scene: Scene, out: Effect, members: list[Relation], verb: str, columns: frozenset[str] | None, *, sure: bool = False
) -> None:
    """What the triggers do: those of the table named, and per row those of what is below it."""
    names: list[str] = []
    rows = out.changed.get((members[0].name, verb), NO_ROWS)
    per_row = 0
    functions: dict[Name, Name] = {}
    by_row: set[Name] = set()
    waiting: set[Name] = set()
    for position, member in enumerate(members):
        for trigger in member.triggers:
            if position and not trigger.per_row:
                continue
            if trigger.fires_on(verb) and not (columns and trigger.columns and not columns & trigger.columns):
                names.append(trigger.name)
                if trigger.deferred and scene.catalog.deferred_now(trigger.name, trigger.deferred):
                    scene.catalog.defer(member.name, certain=sure and not position and trigger.per_row)
                    waiting.add(trigger.function)
                functions.setdefault(trigger.function, member.name)
                if trigger.per_row:
                    by_row.add(trigger.function)
                    per_row += not position or not members[0].partitioned
    count_fired(rows, max(per_row, bool(by_row)), scene, out)
    for function in functions:
        if function in waiting:
            continue  # it runs at COMMIT
        inner = scene.inside(scene.catalog, scene.sql, NOTHING)
        if function in by_row:
            inner.times = scene.times.times(rows)
        before = out.problem
        scene.rules.run_function(
            [function.schema, function.relation], inner, out, (), _trigger_variables(functions[function], verb)
        )
        rare = members[0].rows == 0 or (members[0].fresh and verb != "INSERT")
        if function in by_row and not sure and rare and out.problem != before:  # of no row nothing fails
            out.notes.append(f"for each row: {out.problem}")
            out.problem = before
        scene.become(inner.outcomes)
    if names:
        out.notes.append(f"triggers of {members[0].name} run too: {', '.join(dict.fromkeys(names))}")


def _trigger_variables(table: Name, verb: str) -> dict[str, str]:
    """What a trigger's function knows of why it runs."""
    return {
        "tg_table_schema": table.schema,
        "tg_table_name": table.relation,
        "tg_relname": table.relation,
        "tg_op": verb,
    }


def _outgoing(
    scene: Scene,
    out: Effect,
    table: Relation,
    verb: str,
    columns: frozenset[str] | None,
    sure: bool,
    empty: frozenset[str],
) -> None:
    """Foreign keys of the table are checked: at once, or at the transaction's end."""
    if verb == "DELETE":
        return
    moving = _may_move(table, verb, columns)
    for key in table.foreign_keys:
        changed = columns is None or bool(columns & set(key.columns))
        if not key.enforced or not (changed or moving):
            continue
        # NULL references nothing: of a key in part, unless it says MATCH FULL
        null = changed and empty & set(key.columns) and (key.shape[:1] != "f" or set(key.columns) <= empty)
        if null and not (verb == "INSERT" and scene.catalog.waits(key)):  # which is noted for COMMIT all the same
            continue
        if scene.catalog.waits(key):
            leaves = [one for one in scene.catalog.tree(table.name) if not one.partitioned]
            for leaf in leaves:
                scene.catalog.defer(leaf.name, certain=sure and len(leaves) == 1)
            continue
        for position, side in enumerate(fk_sides(scene, key.referenced)):
            out.lock(side, RS, f"{key.name} is checked", "likely" if position == 0 and changed else "possible")


def _may_move(table: Relation, verb: str, columns: frozenset[str] | None) -> bool:
    """Whether an UPDATE may take rows to another partition, where they are new: each unique index of a partitioned
    table has the columns that decide."""
    unique = [frozenset(index.keys) for index in table.indexes if index.unique]
    return table.partitioned and verb == "UPDATE" and columns is not None and any(columns & keys for keys in unique)


def _incoming(scene: Scene, out: Effect, table: Relation, verb: str, columns: frozenset[str] | None) -> None:
    """DELETE and key UPDATEs look into the referencing tables, or change them by ON DELETE / ON UPDATE."""
    if verb in {"INSERT", "COPY"}:
        return
    todo = [(table, verb, columns)]
    for changed, how, which in todo:
        if not scene.code.first(out.certainty, "references", changed.name, how, which):
            continue
        for key in scene.catalog.incoming(changed.name):
            if key.enforced and not (how == "UPDATE" and which is not None and not which & set(key.referenced_columns)):
                todo += _referencing(scene, out, changed, key, how)


def _referencing(
    scene: Scene, out: Effect, table: Relation, key: ForeignKey, verb: str
) -> list[tuple[Relation, str, frozenset[str] | None]]:
    """One foreign key of a table whose rows go or get other keys; what that changes in turn."""
    action = key.on_update if verb == "UPDATE" else key.on_delete
    if action == "a" and scene.catalog.waits(key):
        scene.catalog.defer(table.name, certain=False)
        return []
    if not scene.code.first(out.certainty, "key", key.table, key.columns, verb, action):
        return []
    mode = RE if action in "cnd" else RS
    sides = fk_sides(scene, key.table)
    for side in sides:
        out.lock(side, mode, f"its {key.name} references {table.name}", "likely")
        if not any(index.keys[: len(key.columns)] == key.columns for index in side.indexes):
            out.notes.append(f"each row deleted or re-keyed reads all of {side.name}: no index on its foreign key")
        if action == "c" and verb == "DELETE" and not side.fresh:
            out.lose(4, f"rows of {side.name} (ON DELETE CASCADE)", LostData("rows", side.name), sure=False)
        elif action in "nd" and not side.fresh:
            told = ", ".join(key.columns)
            lost = LostData("values", side.name, key.columns)
            out.lose(3, f"values of {told} in {side.name} (ON {verb} SET {_SETS[action]})", lost, sure=False)
    if action not in "cnd":
        return []
    if action == "d":
        perhaps(defaults_of(scene.catalog.relation(key.table), key.columns, scene.catalog), scene, out)
    then, set_columns = ("DELETE", None) if action == "c" and verb == "DELETE" else ("UPDATE", frozenset(key.columns))
    fire_triggers(scene, out, sides, then, set_columns)
    return [(side, then, set_columns) for side in sides]


_SETS = {"n": "NULL", "d": "DEFAULT"}
