"""Queries, INSERT, UPDATE, DELETE, MERGE, COPY, TRUNCATE and LOCK."""

from __future__ import annotations

from collections.abc import Iterable

from pgmig_tui.impact import nodes
from pgmig_tui.impact.counting import count_copied, count_fired, count_made, count_query
from pgmig_tui.impact.effect import Effect, Scene, ancestors, fk_sides, lock_above, read_tables, refuse_recursion
from pgmig_tui.impact.facts import ForeignKey, Name, Relation
from pgmig_tui.impact.folding import NOTHING
from pgmig_tui.impact.known import (
    CONTRIB_RUNS_SQL,
    DESTROYS,
    READS_EVERYTHING,
    READS_RELATION,
    RUNS_SQL,
    TAKES_STATISTICS,
)
from pgmig_tui.impact.modes import AE, AS, RE, RS, LockMode
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.refusal import sqlstate_of
from pgmig_tui.impact.result import LostData
from pgmig_tui.impact.rules.body import carry_out
from pgmig_tui.impact.rules.columns import missing_columns
from pgmig_tui.impact.rules.function_call import constants, in_order
from pgmig_tui.impact.rules.implicit_calls import (
    cast_functions,
    defaults_of,
    operators_of,
    perhaps,
    run_functions,
    types_in,
    when_read,
    when_written,
)
from pgmig_tui.impact.rules.kinds import index_or_relation, wrong_kind
from pgmig_tui.impact.rules.permitted import sequence_permitted
from pgmig_tui.impact.rules.refused import in_use, no_column, values_of_columns
from pgmig_tui.impact.rules.refused_rows import empty_in, given_to, no_arbiter, published
from pgmig_tui.impact.rules.sequences import feeding
from pgmig_tui.impact.rules.settings import set_to
from pgmig_tui.impact.rules.statistics import take_statistics
from pgmig_tui.impact.rules.taken import names_of_target, overwritten, take
from pgmig_tui.impact.rules.types import type_of
from pgmig_tui.impact.rules.values import is_null
from pgmig_tui.impact.rules.visible import visible
from pgmig_tui.impact.rules.writable import view_refuses
from pgmig_tui.impact.selectivity import NOTHING as NO_ROWS
from pgmig_tui.impact.worlds import World

_INSTEAD = 64
"""The bit of pg_trigger.tgtype for INSTEAD OF."""
_WRITES = {"InsertStmt": "INSERT", "UpdateStmt": "UPDATE", "DeleteStmt": "DELETE", "MergeStmt": "MERGE"}


def query(node: Node, scene: Scene, out: Effect) -> None:
    """SELECT (with INTO too) and the writing statements."""
    if nodes.kind(node) == "SelectStmt" and nodes.has(node, "into_clause"):
        made = scene.catalog.creation_name(nodes.name_of(node.into_clause.rel))
        scene.catalog.put(Relation(made, "r", new=True))
        scene.catalog.fill(made)
        count_made(count_query(node, scene, out), made, scene, out)
    else:
        count_query(node, scene, out)
    query_locks(node, scene, out)
    missing_columns(node, scene, out)


def query_locks(node: Node, scene: Scene, out: Effect, *, plan: bool = True, deep: bool = True) -> None:
    """Every table that a query or a writing statement touches, at any depth. Without `plan` no function is run;
    without `deep` it is not planned at all, as in CREATE VIEW.
    """
    targets: set[int] = set()
    reads: list[Name] = []
    hidden: set[str] = set()
    into: Name | None = None
    row_locks = False
    found = list(nodes.walk(node))
    for inner in found:
        kind = nodes.kind(inner)
        if kind == "CommonTableExpr":
            hidden.add(inner.ctename)
        elif kind in _WRITES:
            targets.add(id(inner.relation))
            write(scene, out, inner, _WRITES[kind])
        elif kind == "LockingClause":
            row_locks = True
            targets.update(id(named.range_var) for named in inner.locked_rels)  # aliases of the query, no relations
        elif kind == "IntoClause":
            into = nodes.name_of(inner.rel)
    alone: set[Name] = set()
    written = {lock.name for lock in out.locks.values() if lock.mode >= RE}
    seen = list(visible(node)) if hidden else [(inner, frozenset()) for inner in found]
    for inner, behind in seen:
        if nodes.kind(inner) != "RangeVar" or id(inner) in targets:
            continue
        name = nodes.name_of(inner)
        if (not name.schema and name.relation in behind) or name == into:
            continue
        if scene.catalog.resolve(name) in written:
            continue
        reads.append(name)
        if not inner.inh:
            alone.add(name)
    read_tables(scene, out, reads, deep=deep, alone=alone)
    for inner, behind in seen if row_locks and deep else ():
        if nodes.kind(inner) == "SelectStmt" and inner.locking_clause:
            wanted = [name for name in _row_locked(inner) if name.schema or name.relation not in behind]
            read_tables(scene, out, wanted, RS, "its rows are locked", alone=alone)
    if plan:
        unpopulated(reads, scene, out)
        _functions(found, scene, out)
        if scene.catalog.operators:
            run_functions(operators_of(node, scene.catalog), scene, out)
        when_read(reads, scene, out)


def unpopulated(reads: Iterable[Name], scene: Scene, out: Effect) -> None:
    """A materialized view without data can't be read, by a view neither (55000)."""
    for name in reads:
        relation = scene.catalog.get(name)
        behind = scene.catalog.behind(relation.name) if relation is not None and relation.kind == "v" else ()
        for one in (relation, *map(scene.catalog.known, behind)):
            if one is not None and one.kind == "m" and one.known and not one.populated and scene.catalog.live:
                out.fail(f"{one.name} has no data yet: it must be refreshed first", "55000")


def _row_locked(select: Node) -> list[Name]:
    """The tables of which FOR UPDATE and the like lock rows: those of its own FROM, and of subqueries there."""
    found: list[Name] = []
    for item in select.locking_clause:
        only = frozenset(relation.range_var.relname for relation in item.locking_clause.locked_rels)
        for source in select.from_clause:
            _tables_from(source, only, found)
    return found


def _tables_from(source: Node, only: frozenset[str], found: list[Name]) -> None:
    which = source.WhichOneof("node")
    if which == "join_expr":
        _tables_from(source.join_expr.larg, only, found)
        _tables_from(source.join_expr.rarg, only, found)
    elif which == "range_table_sample":
        _tables_from(source.range_table_sample.relation, only, found)
    elif which == "range_var":
        if not only or (source.range_var.alias.aliasname or source.range_var.relname) in only:
            found.append(nodes.name_of(source.range_var))
    elif which == "range_subselect" and (not only or source.range_subselect.alias.aliasname in only):
        for inner in nodes.statement(source.range_subselect.subquery).from_clause:
            _tables_from(inner, frozenset(), found)


def _functions(found: list[Node], scene: Scene, out: Effect) -> None:
    """Functions that a query calls: sequences by name, and what can't be known."""
    for inner in found:
        if nodes.kind(inner) == "TypeCast" and scene.catalog.casts:
            perhaps(cast_functions(scene.catalog, [type_of(inner.type_name, scene.catalog)], "eai"), scene, out)
        if nodes.kind(inner) == "TypeName":
            perhaps(types_in(inner, scene.catalog, "c"), scene, out)
        if nodes.kind(inner) == "FuncCall":
            call(nodes.strings(inner.funcname), scene, out, inner.args)


def evaluated(node: Node, scene: Scene, out: Effect) -> None:
    """The functions of an expression that is worked out for rows that are there."""
    _functions(list(nodes.walk(node)), scene, out)
    if scene.catalog.operators:
        run_functions(operators_of(node, scene.catalog), scene, out)


def _sequence(parts: list[str], scene: Scene, out: Effect, arguments: Node) -> None:
    """nextval and setval; the latter isn't even undone by ROLLBACK."""
    sequence = _sequence_of(arguments[0], scene, out)
    if sequence is not None:
        sequence_permitted(sequence, parts[-1], scene, out)
        out.lock(sequence, RE, parts[-1])
    if parts[-1] == "setval" and (sequence is None or not sequence.fresh):
        lost = None if sequence is None else LostData("sequence", sequence.name)
        out.lose(5, f"the state of {'a sequence' if sequence is None else f'the sequence {sequence.name}'}", lost)


def _sequence_of(argument: Node, scene: Scene, out: Effect) -> Relation | None:
    """The sequence of which the name stands there, or that a column owns by pg_get_serial_sequence."""
    if argument.WhichOneof("node") == "type_cast":
        argument = argument.type_cast.arg
    if argument.WhichOneof("node") == "func_call" and len(argument.func_call.args) == 2:
        inner = argument.func_call
        table, column = (nodes.constant(one) for one in inner.args)
        if nodes.strings(inner.funcname)[-1] != "pg_get_serial_sequence" or not table or not column:
            return None
        owner = scene.catalog.get(nodes.name_from(_parts(table)))
        owned = owner.sequences if owner is not None else ()
        return next((scene.catalog.relation(one.name, "S") for one in owned if one.column == column), None)
    text = nodes.constant(argument)
    if text is None:
        return None
    name = nodes.name_from(_parts(text))
    if scene.catalog.missing(name):
        out.fail(f"{scene.catalog.resolve(name)} does not exist", "42P01")
    return scene.catalog.relation(name, "S")


def _parts(text: str) -> list[str]:
    return [part.strip('"') for part in text.split(".")]


def call(parts: list[str], scene: Scene, out: Effect, arguments: Node = ()) -> None:
    """A function that is run: inside it anything can happen."""
    name, of_server = parts[-1], parts[0] == "pg_catalog" or len(parts) == 1
    if of_server and name in {"nextval", "setval", "currval"} and arguments:
        _sequence(parts, scene, out, arguments)
        return
    given = constants(in_order(arguments, parts, scene.catalog), scene.worth)
    if of_server and name == "set_config":
        set_config(given, scene, out)
    elif of_server and name in DESTROYS:
        out.lose(*DESTROYS[name])
    elif of_server and name in RUNS_SQL:
        _run_given(parts, scene, out, given)
    elif of_server and name in READS_RELATION and given:
        relation = given[READS_RELATION[name]]
        if relation is None:
            out.hide(f"which relation {name}() reads")
        else:
            _run_text(f"TABLE {relation}", scene, out)
    elif of_server and name in READS_EVERYTHING and given:
        out.hide(f"what the functions do that stand in the views that {name}() reads")
    elif of_server and name in TAKES_STATISTICS and scene.major >= 18:
        take_statistics(name, given, scene, out)
    elif of_server and name in TAKES_STATISTICS and scene.catalog.live:
        out.fail(f"{name}() does not exist before PostgreSQL 18", "42883")
    elif parts[0] not in {"pg_catalog", "information_schema"}:
        scene.rules.run_function(parts, scene, out, given)
        text = given[0] if given else None
        if text and name in CONTRIB_RUNS_SQL and any(one.extension for one in scene.catalog.functions(parts)):
            _run_text(text, scene, out)


def _run_given(parts: list[str], scene: Scene, out: Effect, given: list[str | None]) -> None:
    """A function of the server that runs the SQL that it is given."""
    position = RUNS_SQL[parts[-1]]
    text = given[position] if position < len(given) else None
    if text is None:
        if not (parts[-1] == "ts_rewrite" and len(given) > 2):
            out.hide(f"what the SQL does that {parts[-1]}() runs")
        return
    _run_text(text, scene, out)


def _run_text(text: str, scene: Scene, out: Effect) -> None:
    scene.become([world.catalog for world in carry_out(text, scene, World(scene.catalog, scene.worth), out, made=True)])


def set_config(given: list[str | None], scene: Scene, out: Effect) -> None:
    """set_config(): SET, as a function."""
    if len(given) != 3:
        return
    name, value, local = given
    if name is None:
        out.hide("which setting set_config() changes")
    else:
        set_to(name.lower(), value, scene, local=local not in {"false", "f", "0", "off", "no", "n"})


def write(scene: Scene, out: Effect, node: Node, verb: str) -> None:
    """The target of an INSERT, UPDATE, DELETE or MERGE, with the other ends of its foreign keys."""
    name = nodes.name_of(node.relation)
    if scene.catalog.missing(name):
        out.fail(f"{scene.catalog.resolve(name)} does not exist", "42P01")
        return
    table = scene.catalog.relation(name, "r")
    if wrong_kind(scene, out, table, "rpvf", "a table that can be changed"):
        return
    columns: frozenset[str] | None = None
    if verb == "UPDATE":
        columns = frozenset(item.res_target.name for item in node.target_list)
    if verb != "MERGE":
        named = columns or [item.res_target.name for item in getattr(node, "cols", ())]
        view_refuses(scene, out, table, verb, named or (_filled(node, table) if verb == "INSERT" else ()))
    values_of_columns(table, columns or (item.res_target.name for item in getattr(node, "cols", ())), out)
    given_to(scene, out, node, table, verb)
    published(scene, out, table, verb)
    where = verb in {"UPDATE", "DELETE"} and nodes.has(node, "where_clause")
    if table.new and verb in {"INSERT", "MERGE"} and not (verb == "INSERT" and _few_rows(node)):
        scene.catalog.fill(table.name)
    only = not node.relation.inh
    called = names_of_target(node.relation)
    if verb in {"UPDATE", "DELETE"} and not where:
        out.notes.append(f"every row of {table.name}: it has no WHERE")
        for member in scene.catalog.tree(table.name) if node.relation.inh and table.known else [table]:
            out.scan(member)
    if verb == "INSERT":
        given = _given(node, table)
        clause = node.on_conflict_clause if nodes.has(node, "on_conflict_clause") else None
        if clause is not None:
            no_arbiter(scene, out, table, clause.infer)
            _twice(scene, out, node, table)
        write_table(
            scene,
            out,
            table,
            verb,
            None,
            given=given,
            sure=_few_rows(node) and clause is None,
            empty=empty_in(node, table),
        )
        if clause is not None and clause.target_list:
            _change(scene, out, table, clause.target_list, _condition(clause, "where_clause"), called, some=True)
    elif verb == "DELETE":
        take(scene, out, table, verb, None, whole=not where and not node.using_clause)
        write_table(scene, out, table, verb, None, only=only)
    elif verb == "UPDATE":
        some = bool(node.from_clause)
        _change(scene, out, table, node.target_list, _condition(node, "where_clause"), called, only=only, some=some)
    else:
        _merge(scene, out, node, table, called)


def _twice(scene: Scene, out: Effect, node: Node, table: Relation) -> None:
    """ON CONFLICT isn't for tables with rules, and DO UPDATE can't change a row twice."""
    rules = [name for name in table.rules if table.rule_events.get(name) in {"INSERT", "UPDATE"}]
    if rules and scene.catalog.live:
        told = f"ON CONFLICT is refused on {table.name}, which has the rule {rules[0]}"
        out.fail(told, "0A000")
    clause = node.on_conflict_clause
    wanted = [item.index_elem.name for item in clause.infer.index_elems]
    rows = [row.list.items for row in nodes.statement(node.select_stmt).values_lists] if clause.target_list else []
    columns = [item.res_target.name for item in node.cols] or list(table.columns)
    out.by_value = out.by_value or bool(rows)
    if not rows or not wanted or not set(wanted) <= set(columns[: len(rows[0])]):
        return
    keys = [tuple(nodes.constant(row[columns.index(name)]) for name in wanted) for row in rows]
    known = [key for key in keys if None not in key]
    if len(known) > len(set(known)):
        out.fail(f"ON CONFLICT DO UPDATE would change a row of {table.name} twice", "21000")


def _condition(node: Node, name: str) -> Node | None:
    return getattr(node, name) if nodes.has(node, name) else None


def _change(
    scene: Scene,
    out: Effect,
    table: Relation,
    targets: Node,
    where: Node | None,
    called: frozenset[str],
    *,
    only: bool = False,
    some: bool = False,
) -> None:
    """Rows of a table get other values: all of them without `where`, unless it is `some`."""
    taken = overwritten(targets, where, called)
    take(scene, out, table, "UPDATE", taken, whole=where is None and not some)
    columns = frozenset(item.res_target.name for item in targets)
    empty = frozenset(item.res_target.name for item in targets if is_null(item.res_target.val))
    defaulted = frozenset(
        item.res_target.name
        for item in targets
        if any(nodes.kind(inner) == "SetToDefault" for inner in nodes.walk(item.res_target.val))
    )
    write_table(
        scene, out, table, "UPDATE", columns, only=only, harmless=not taken, empty=empty, defaulted=defaulted
    )  # fmt: skip


def _merge(scene: Scene, out: Effect, node: Node, table: Relation, called: frozenset[str]) -> None:
    out.lock(table, RE, "MERGE")
    for item in node.merge_when_clauses:
        clause = item.merge_when_clause
        kind = nodes.enum_name("CmdType", clause.command_type)
        if kind == "CMD_UPDATE":
            _change(scene, out, table, clause.target_list, _condition(clause, "condition"), called, some=True)
        elif kind == "CMD_DELETE":
            take(scene, out, table, "DELETE", None, whole=False)
            write_table(scene, out, table, "DELETE", None)
        elif kind == "CMD_INSERT":
            write_table(scene, out, table, "INSERT", None)


def _given(insert: Node, table: Relation) -> frozenset[str]:
    """The columns for which an INSERT brings values of its own: their sequences aren't asked."""
    if not nodes.has(insert, "select_stmt") or nodes.enum_name("OverridingKind", insert.override).endswith(
        "USER_VALUE"
    ):
        return frozenset()
    rows = nodes.statement(insert.select_stmt).values_lists
    if any(value.WhichOneof("node") == "set_to_default" for row in rows for value in row.list.items):
        return frozenset()
    if insert.cols:
        return frozenset(item.res_target.name for item in insert.cols)
    return frozenset(list(table.columns)[: len(rows[0].list.items)] if rows else ())


def _filled(insert: Node, table: Relation) -> list[str]:
    """The columns that INSERT … VALUES fills without naming them."""
    rows = nodes.statement(insert.select_stmt).values_lists if nodes.has(insert, "select_stmt") else ()
    return list(table.columns)[: len(rows[0].list.items)] if rows else []


def _few_rows(insert: Node) -> bool:
    """INSERT ... VALUES or DEFAULT VALUES."""
    return not nodes.has(insert, "select_stmt") or bool(insert.select_stmt.select_stmt.values_lists)


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
            _fire(scene, out, [table], verb, columns)
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
    _fire(scene, out, members, verb, columns, sure=sure)


def _fire(
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
    _fire(scene, out, sides, then, set_columns)
    return [(side, then, set_columns) for side in sides]


_SETS = {"n": "NULL", "d": "DEFAULT"}


def copy(node: Node, scene: Scene, out: Effect) -> None:
    if node.is_program:
        out.hide(f"what the program {node.filename[:60]!r} of the server's host does")
    elif node.filename and not node.is_from:
        out.lose(5, f"the file {node.filename} of the server's host, if there is one")
    if nodes.has(node, "query"):
        count_query(nodes.statement(node.query), scene, out)
        query_locks(node.query, scene, out)
        missing_columns(nodes.statement(node.query), scene, out)
        return
    if not nodes.has(node, "relation"):
        return
    name = nodes.name_of(node.relation)
    if scene.catalog.missing(name):
        out.fail(f"{scene.catalog.resolve(name)} does not exist", "42P01")
        return
    named = scene.catalog.relation(name, "r")
    stored = "rfm" if scene.major >= 18 else "rf"
    if wrong_kind(scene, out, named, "rpvf" if node.is_from else stored, "a table that can be copied"):
        return
    no_column(out, named, nodes.strings(node.attlist))
    for column in map(named.columns.get, nodes.strings(node.attlist)):
        if column is not None and column.generated:
            out.fail(f"{named.name}.{column.name} is a generated column: COPY can't name it", "42P10")
    if node.is_from:
        scene.catalog.fill(scene.catalog.resolve(name))
        out.doubt("how many rows COPY brings")
        write_table(scene, out, scene.catalog.relation(name, "r"), "INSERT", None)
    else:
        table = scene.catalog.relation(name, "r")
        out.lock(table, AS, "COPY TO")
        count_copied(table, scene, out)


def truncate(node: Node, scene: Scene, out: Effect) -> None:
    catalog = scene.catalog
    cascade = nodes.cascades(node)
    todo: list[tuple[Relation, str]] = []
    named: set[Name] = set()
    for item in node.relations:
        name = nodes.name_of(item.range_var)
        if catalog.missing(name):
            out.fail(f"{catalog.resolve(name)} does not exist", "42P01")
            continue
        root = catalog.relation(name, "r")
        if wrong_kind(scene, out, root, "rpf"):
            continue
        if root.partitioned and not item.range_var.inh:
            out.fail(f"{root.name} is partitioned: TRUNCATE ONLY is refused", "42809")
        for position, member in enumerate(catalog.tree(root.name) if item.range_var.inh and root.known else [root]):
            todo.append((member, "TRUNCATE" if position == 0 else f"TRUNCATE reaches it from {root.name}"))
            named.add(member.name)
    seen: set[Name] = set()
    while todo:
        table, why = todo.pop(0)
        if table.name in seen:
            continue
        seen.add(table.name)
        out.lock(table, AE, why)
        in_use(scene, out, [table], "TRUNCATE")
        if scene.major < 14 and table.is_partition:
            for parent in table.parents:
                out.lock(catalog.relation(parent), AS, f"parent of {table.name}")
        out.rewrite(table)
        out.emptied.add(table.name)
        if not table.fresh and table.kind != "p":
            out.lose(4, f"all rows of {table.name}", LostData("rows", table.name))
        _fire(scene, out, [table], "TRUNCATE", None)
        above = [key for one in ancestors(catalog, table) for key in catalog.incoming(one.name) if not key.id]
        for key in (*catalog.incoming(table.name), *above):  # the server has a row of the key for each partition
            if cascade:
                todo.extend((m, f"its {key.name} references {table.name}") for m in catalog.tree(key.table))
            elif key.table not in named:
                out.fail(f"{table.name} is referenced by {key.table}: TRUNCATE is refused", "0A000")
        if node.restart_seqs:
            for sequence in table.sequences:
                out.lock_name(sequence.name, "S", AE, "RESTART IDENTITY", new=table.new)
                out.rewrite(catalog.relation(sequence.name, "S"))
        if not table.known and not catalog.live:
            out.unknown.append(f"partitions of {table.name}" + (", and what references it" if cascade else ""))


def lock_table(node: Node, scene: Scene, out: Effect) -> None:
    mode = LockMode(node.mode)
    todo = [(nodes.name_of(item.range_var), bool(item.range_var.inh)) for item in node.relations]
    named = frozenset(todo)
    seen: set[tuple[Name, bool]] = set()
    while todo:
        name, below = todo.pop()
        if (name, below) in seen:
            continue
        seen.add((name, below))
        if scene.catalog.missing(name):
            out.fail(f"{scene.catalog.resolve(name)} does not exist", "42P01")
            continue
        relation = index_or_relation(scene.catalog, name, "r")
        if wrong_kind(scene, out, relation, "rpvf" if (name, below) not in named else "rpv", "a table or view"):
            continue
        for member in scene.catalog.tree(relation.name) if below and relation.known else [relation]:
            out.lock(member, mode, "LOCK TABLE")
        if relation.kind == "v":
            todo.extend((behind, True) for behind in relation.reads)
            refuse_recursion(scene, out, relation)


def explain(node: Node, scene: Scene, out: Effect) -> None:
    if nodes.kind(nodes.statement(node.query)) == "RefreshMatViewStmt":
        return  # has no plan, and isn't run
    inner = Effect()
    seen = dict(scene.code.seen)
    scene.rules.apply(nodes.statement(node.query), scene, inner)
    analyze = "analyze" in nodes.options(node.options) and nodes.is_on(nodes.options(node.options)["analyze"])
    for lock in inner.locks.values():
        if analyze or lock.why.split()[0] in {*_WRITES.values(), "reads", "behind", "below"}:
            out.lock_name(lock.name, lock.relkind, lock.mode, lock.why, lock.certainty, lock.new)
    if not analyze:
        scene.code.seen = seen
    else:
        for what, loss in inner.losses.items():
            out.lose(loss, what, inner.lost.get(what))
        out.surely = inner.surely
        out.scans.update(inner.scans)
        out.spend(inner.spent)
        out.doubts += inner.doubts
        out.hidden += inner.hidden
    out.unknown.extend(inner.unknown)
    if analyze or sqlstate_of(inner.problem) != "55000":  # what only running it would find
        out.problem = inner.problem


def prepare(node: Node, scene: Scene, out: Effect) -> None:
    """PREPARE only reads the catalog: tables are locked as a query would be, writes come with EXECUTE."""
    scene.catalog.prepared[node.name] = scene.sql
    inner = Effect()
    query_locks(node.query, scene, inner, plan=False)
    missing_columns(nodes.statement(node.query), scene, inner)
    out.locks, out.problem = inner.locks, inner.problem


def declare(node: Node, scene: Scene, out: Effect) -> None:
    query_locks(node.query, scene, out)
    missing_columns(nodes.statement(node.query), scene, out)
    if not out.problem and not node.options & _HOLD:
        scene.catalog.open_cursor(
            node.portalname, [name for name, lock in out.locks.items() if lock.relkind not in "iI"]
        )


_HOLD = 0x20
"""CURSOR_OPT_HOLD: such a one is copied at the end of its transaction, and keeps nothing."""


def close(node: Node, scene: Scene, out: Effect) -> None:
    scene.catalog.close_cursor(node.portalname)


def deallocate(node: Node, scene: Scene, out: Effect) -> None:
    if node.name:
        scene.catalog.prepared.pop(node.name, None)
    else:
        scene.catalog.prepared.clear()


def execute(node: Node, scene: Scene, out: Effect) -> None:
    """A statement that this session has prepared."""
    text = scene.catalog.prepared.get(node.name)
    try:
        trees = [] if text is None else nodes.parse(text)
    except nodes.ParseError:
        trees = []
    if text is None and scene.catalog.live and not scene.catalog.uncertain:
        out.fail(f"the prepared statement {node.name} does not exist", "26000")
        return
    if not trees or nodes.kind(trees[0]) not in {"PrepareStmt", *_RUNNABLE}:
        out.hide(f"what the prepared statement {node.name} does")
        return
    inner = nodes.statement(trees[0].query) if nodes.kind(trees[0]) == "PrepareStmt" else trees[0]
    wanted = max((one.number for one in nodes.walk(inner) if nodes.kind(one) == "ParamRef"), default=0)
    if nodes.kind(trees[0]) == "PrepareStmt" and max(wanted, len(trees[0].argtypes)) != len(node.params):
        told = f"the prepared statement {node.name} takes {max(wanted, len(trees[0].argtypes))} parameters"
        out.fail(f"{told}, and is given {len(node.params)}", "42601")
    if nodes.kind(trees[0]) == "PrepareStmt":
        perhaps([name for one in trees[0].argtypes for name in types_in(one, scene.catalog, "c")], scene, out)
    scene.rules.apply(inner, scene, out)


_RUNNABLE = {"SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"}


RULES = {
    "SelectStmt": query,
    "InsertStmt": query,
    "UpdateStmt": query,
    "DeleteStmt": query,
    "MergeStmt": query,
    "CopyStmt": copy,
    "TruncateStmt": truncate,
    "LockStmt": lock_table,
    "ExplainStmt": explain,
    "PrepareStmt": prepare,
    "DeclareCursorStmt": declare,
    "ClosePortalStmt": close,
    "DeallocateStmt": deallocate,
    "ExecuteStmt": execute,
}
