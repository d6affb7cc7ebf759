"""Functions that run without being called by name: behind operators, views, defaults and CHECKs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pgmig_tui.impact import nodes
from pgmig_tui.impact.effect import Effect, Scene
from pgmig_tui.impact.facts import Call, Name, OperatorFact, Relation
from pgmig_tui.impact.folding import NOTHING
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.shadow import Catalog
from pgmig_tui.impact.wanted import CHECKS_AGAIN


def run_functions(names: Iterable[Name], scene: Scene, out: Effect) -> None:
    """Functions run that the statement doesn't name; with which arguments isn't known."""
    for name in dict.fromkeys(names):
        scene.rules.run_function([name.schema, name.relation], scene, out)


def operators_of(node: Node, catalog: Catalog) -> list[Name]:
    """The functions behind the operators of users that an expression or query has."""
    found: list[Name] = []
    for inner in nodes.walk(node):
        if nodes.kind(inner) == "A_Expr" and (parts := nodes.strings(inner.name)):
            found += [
                one.function
                for one in catalog.operators.get(parts[-1], ())
                if len(parts) == 1 or parts[-2] == one.schema
            ]
    return found


def called_in(node: Node, catalog: Catalog) -> list[Name]:
    """The functions of users that an expression or query runs: by their names, by operators and by types."""
    found = operators_of(node, catalog)
    for parts, arguments in nodes.functions_in(node):
        found += [fact.name for fact in catalog.functions(parts, arguments) or catalog.functions(parts)]
    return found + types_in(node, catalog, "c")


def types_in(node: Node, catalog: Catalog, when: str) -> list[Name]:
    """The functions of users in the CHECKs ("c") and defaults ("d") of the types that are named."""
    found: list[Name] = []
    for inner in nodes.walk(node):
        if nodes.kind(inner) == "TypeName":
            fact = catalog.type(nodes.strings(inner.names))
            found += fact.called(when) if fact is not None else ()
    return found


def when_read(relations: Iterable[Name], scene: Scene, out: Effect) -> None:
    """What runs when these are read: functions in views, and in those behind them."""
    seen: set[Name] = set()
    todo = list(relations)
    while todo:
        view = scene.catalog.get(todo.pop())
        if view is not None and view.kind in "rp":
            perhaps([call.function for call in view.calls if call.when == "p"], scene, out)
        if view is None or view.kind != "v" or view.name in seen:
            continue
        seen.add(view.name)
        todo += view.reads
        run_functions((call.function for call in view.calls if call.when == "r"), scene, out)


def when_written(
    table: Relation,
    verb: str,
    given: frozenset[str],
    scene: Scene,
    out: Effect,
    defaulted: frozenset[str] = frozenset(),
) -> None:
    """What runs when a row of a table is inserted or changed: CHECKs, defaults of columns that are not `given` or are
    `defaulted`, generated columns."""
    perhaps([call.function for call in table.calls if call.when == "p"], scene, out)
    if verb not in {"INSERT", "UPDATE"}:
        return
    columns = {*table.columns, *(call.column for call in table.calls)}
    filled = columns - given if verb == "INSERT" else set(defaulted)
    worked_out = filled | {name for name, column in table.columns.items() if column.generated}
    run_functions(
        (c.function for c in table.calls if c.when in "ci" or (c.when == "d" and c.column in worked_out)), scene, out
    )
    types = {Name(column.type_schema, column.type) for column in table.columns.values()}
    perhaps(column_checks(table, "", scene.catalog), scene, out)
    perhaps(defaults_of(table, filled, scene.catalog), scene, out)
    perhaps(cast_functions(scene.catalog, types, "ai"), scene, out)


def column_checks(table: Relation, column: str, catalog: Catalog) -> list[Name]:
    """The functions of users in the CHECKs of the type of one column of a table, "" = of each."""
    types = {Name(one.type_schema, one.type) for name, one in table.columns.items() if column in {"", name}}
    return [name for fact in filter(None, map(catalog.known_type, sorted(types))) for name in fact.called("c")]


def defaults_of(table: Relation, columns: Iterable[str], catalog: Catalog) -> list[Name]:
    """The functions of users in the defaults of these columns, their domains' among them."""
    wanted = set(columns)
    found = [call.function for call in table.calls if call.when == "d" and call.column in wanted]
    for name in sorted(wanted & set(table.columns)):
        column = table.columns[name]
        fact = catalog.known_type(Name(column.type_schema, column.type))
        found += fact.called("d") if fact is not None and not column.has_default else ()
    return found


def cast_functions(catalog: Catalog, targets: Iterable[Name], contexts: str) -> list[Name]:
    """The functions of casts that users made to one of these types."""
    wanted = set(targets)
    return [
        one.function
        for one in catalog.casts
        if one.function is not None and one.target in wanted and one.context in contexts
    ]


def perhaps(functions: Iterable[Name], scene: Scene, out: Effect) -> None:
    """Functions that run for some rows, or for some roles: what they do is possible, and no failure is certain."""
    named = list(functions)
    if not named:
        return
    inner = Effect(certainty="possible")
    run_functions(named, scene, inner)
    for lock in inner.locks.values():
        out.take_lock(lock, certainty="possible")
    inner.problem = ""
    out.absorb(inner)


def in_columns(definitions: Iterable[Node], catalog: Catalog) -> tuple[Call, ...]:
    """The calls that column definitions and constraints of a new table bring."""
    found: list[Call] = []
    for definition in definitions:
        column = getattr(definition, "colname", "")
        constraints = [one.constraint for one in definition.constraints] if column else [definition]
        for constraint in constraints:
            kind = nodes.enum_name("ConstrType", constraint.contype)
            when = {"CONSTR_DEFAULT": "d", "CONSTR_CHECK": "c"}.get(kind)
            if when is not None:
                found += [Call(when, name, column) for name in called_in(constraint.raw_expr, catalog)]
    return tuple(found)


def armed(node: Node, scene: Scene, out: Effect) -> None:
    """What functions may destroy from now on that a definition lets run with each row: in defaults, CHECKs, generated
    columns, domains, policies and statistics. Told here, and as possible: which of the statements that follow lets them
    run isn't carried."""
    functions = [
        *called_in(node, scene.catalog),
        *types_in(node, scene.catalog, "d"),
        *_checked_again(node, scene, out),
    ]
    if out.problem or not functions:
        return
    inner = Effect(certainty="possible")
    run_functions(functions, scene.inside(scene.catalog, scene.sql, NOTHING), inner)
    for what, loss in inner.losses.items():
        if what not in out.losses:
            out.lose(loss, what, inner.lost.get(what), sure=False)
    for what in inner.hidden:
        out.hide(what)


def again(node: Node, scene: Scene, out: Effect) -> None:
    """The code in expressions and predicates of indexes that are built for the rows that are there."""
    if out.problem or _moves_alone(node):
        return
    built = [(scene.catalog.known(out.tables[name]), index) for name, index in out.rebuilds.items()]
    if nodes.kind(node) == "AlterTableStmt":  # a partition gets those of what it becomes a part of
        parent = scene.catalog.get(nodes.name_of(node.relation))
        built += [(parent, index) for _, index, _ in out.made]
    tables = {table.name: table for table, index in built if table is not None and not index.whole}
    perhaps(
        [c.function for name, one in tables.items() if name not in out.emptied for c in one.calls if c.when == "i"],
        scene,
        out,
    )


def _moves_alone(node: Node) -> bool:
    """Whether it copies files as they are."""
    if nodes.kind(node) != "AlterTableStmt":
        return False
    kinds = {nodes.enum_name("AlterTableType", item.alter_table_cmd.subtype) for item in node.cmds}
    return kinds == {"AT_SetTableSpace"}


def counted(table: Relation, scene: Scene, out: Effect) -> None:
    """The code that ANALYZE runs for a sample of the rows: of indexes, and of statistics of expressions."""
    perhaps([call.function for call in table.calls if call.when in "is"], scene, out)


def _checked_again(node: Node, scene: Scene, out: Effect) -> Iterator[Name]:
    """What checks the rows that are there once more, although the statement doesn't name it."""
    kind = nodes.kind(node)
    if kind == "AlterDomainStmt" and node.subtype == "V":
        fact = scene.catalog.type(nodes.strings(node.type_name))
        yield from fact.called("c") if fact is not None else ()
    elif kind == "AlterTableStmt" and any(
        nodes.enum_name("AlterTableType", item.alter_table_cmd.subtype) in CHECKS_AGAIN for item in node.cmds
    ):
        for relation in {**out.scans, **out.rewrites}.values():
            yield from (call.function for call in relation.calls if call.when == "c")


def operator_made(node: Node, catalog: Catalog) -> None:
    """CREATE OPERATOR."""
    parts = nodes.strings(node.defnames)
    options = nodes.options(node.definition)
    made = options.get("function") or options.get("procedure")
    if not parts or made is None:
        return
    function = nodes.strings(nodes.open_node(made.arg).names)
    facts = catalog.functions(function)
    name = facts[0].name if facts else catalog.resolve(nodes.name_from(function))
    schema = parts[-2] if len(parts) > 1 else catalog.creation_name(Name("", "x")).schema
    catalog.put_operator(parts[-1], OperatorFact(schema, name))


# -- event triggers ----------------------------------------------------------------------------------------------------
